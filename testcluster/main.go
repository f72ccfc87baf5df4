// The test cluster's only binary: the first argument chooses what it is.
//
// It is etcd, kube-apiserver, kube-controller-manager or kubectl when called with that word, and
// otherwise a tool around them. It is not for production: etcd runs without fsync.
package main

import (
	"fmt"
	"os"

	"tidegate/testcluster/internal/churn"
	"tidegate/testcluster/internal/control"
	"tidegate/testcluster/internal/kubelet"
)

const help = `usage: testcluster WORD [arguments]

  up        start a cluster and stay in the foreground (up --help)
  ctl       steer a running cluster (ctl --help)
  kubelet   run pods as local processes (kubelet --help)
  churn     keep the sample workloads changing, gently (churn --help)

  etcd, kube-apiserver, kube-controller-manager, kubectl
            be that program; the arguments are its own`

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, help)
		os.Exit(2)
	}
	word, rest := os.Args[1], os.Args[2:]
	switch word {
	case "up":
		os.Exit(up(rest))
	case "ctl":
		os.Exit(control.Ctl(rest))
	case "kubelet":
		os.Exit(kubelet.Kubelet(rest))
	case "churn":
		os.Exit(churn.Churn(rest))
	case "help", "-h", "--help":
		fmt.Println(help)
		return
	}
	run, ok := components[word]
	if !ok {
		fmt.Fprintf(os.Stderr, "testcluster: no such word: %s\n%s\n", word, help)
		os.Exit(2)
	}
	os.Exit(run(append([]string{word}, rest...)))
}
