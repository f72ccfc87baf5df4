// The upstream programs inside this binary, each behind the word that starts it.
//
// Nothing of Tidegate is in here: only the entry points of etcd and Kubernetes, unchanged.
package main

import (
	"os"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client metrics
	_ "k8s.io/component-base/metrics/prometheus/version"  // version metric
	kubectlcli "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// components maps a word to a program; the program gets the word as its own args[0] and returns
// its exit code.
var components = map[string]func(args []string) int{
	"etcd": func(args []string) int {
		etcdmain.Main(args)
		return 0
	},
	"kube-apiserver": func(args []string) int {
		return runCobra(apiserver.NewAPIServerCommand(), args)
	},
	"kube-controller-manager": func(args []string) int {
		return runCobra(controllermanager.NewControllerManagerCommand(), args)
	},
	"kubectl": func(args []string) int {
		os.Args = args // kubectl looks for plugins in os.Args
		return runCobra(kubectlcli.NewDefaultKubectlCommand(), args)
	},
}

func runCobra(command *cobra.Command, args []string) int {
	command.SetArgs(args[1:])
	return cli.Run(command)
}
