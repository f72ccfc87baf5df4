// The command lines of etcd, kube-apiserver, kube-controller-manager and the stand-in for kubelets.
//
// They are written down here and nowhere else. A caller's extra arguments come last, so they win.
package cluster

import (
	"fmt"
	"strings"
)

const (
	nodeName       = "testcluster-node"
	serviceRange   = "10.96.0.0/12"
	serviceIPFirst = "10.96.0.1"
	issuer         = "https://kubernetes.default.svc.cluster.local"
)

func (c *Cluster) etcdArguments() []string {
	peer := loopbackURL("http", c.ports.etcdPeer)
	return append([]string{
		"etcd",
		"--name=testcluster",
		"--data-dir=" + c.Paths.EtcdData(),
		"--listen-client-urls=" + c.EtcdURL(),
		"--advertise-client-urls=" + c.EtcdURL(),
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=testcluster=" + peer,
		"--unsafe-no-fsync",
		"--heartbeat-interval=10", // one member elects itself; the usual second of waiting is for nothing
		"--election-timeout=100",
		"--quota-backend-bytes=8589934592",
		"--log-level=warn",
	}, c.options.EtcdArguments...)
}

func (c *Cluster) apiserverArguments() []string {
	arguments := []string{
		"kube-apiserver",
		"--etcd-servers=" + c.EtcdURL(),
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", c.ports.apiserver),
		"--cert-dir=" + c.Paths.Dir,
		"--tls-cert-file=" + c.Paths.ServerCert(),
		"--tls-private-key-file=" + c.Paths.ServerKey(),
		"--client-ca-file=" + c.Paths.CA(),
		"--token-auth-file=" + c.Paths.TokenTable(),
		"--authorization-mode=RBAC",
		"--service-cluster-ip-range=" + serviceRange,
		"--service-account-issuer=" + issuer,
		"--service-account-key-file=" + c.Paths.ServiceAccountKey(),
		"--service-account-signing-key-file=" + c.Paths.ServiceAccountKey(),
		"--endpoint-reconciler-type=none",              // Endpoints may not hold a loopback address
		"--advertise-address=192.0.2.1",                // nobody connects to it; stops a search for a network card
		"--shutdown-watch-termination-grace-period=1s", // without it, a watch delays a stop by a minute
		"--allow-privileged=true",
		"--profiling=false",
	}
	if c.options.Audit {
		arguments = append(arguments,
			"--audit-policy-file="+c.Paths.AuditPolicy(),
			"--audit-log-path="+c.Paths.AuditLog(),
			"--audit-log-mode=blocking") // a request is in the log before its answer is seen
	}
	return append(arguments, c.options.APIServerArguments...)
}

func (c *Cluster) controllerManagerArguments() []string {
	return append([]string{
		"kube-controller-manager",
		"--kubeconfig=" + c.Paths.Kubeconfig(UserAdmin),
		"--service-account-private-key-file=" + c.Paths.ServiceAccountKey(),
		"--root-ca-file=" + c.Paths.CA(),
		"--cluster-signing-cert-file=" + c.Paths.CA(),
		"--cluster-signing-key-file=" + c.Paths.CAKey(),
		"--cert-dir=" + c.Paths.Dir,
		"--leader-elect=false",
		"--secure-port=0", // serves nothing
		"--controllers=" + strings.Join(controllers(), ","),
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
		"--profiling=false",
	}, c.options.ControllerManagerArguments...)
}

func (c *Cluster) kubeletArguments() []string {
	return append([]string{
		"kubelet",
		"--kubeconfig=" + c.Paths.Kubeconfig(UserAdmin),
		"--dir=" + c.Paths.Kubelet(),
		"--node=" + nodeName,
	}, c.options.KubeletArguments...)
}

// controllers are all, less those that would evict pods for want of a kubelet's heartbeats.
func controllers() []string {
	return []string{"*", "-node-lifecycle-controller", "-taint-eviction-controller", "-node-ipam-controller"}
}

// auditPolicy logs each request once, without bodies.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`

func loopbackURL(scheme string, port int) string {
	return fmt.Sprintf("%s://127.0.0.1:%d", scheme, port)
}
