// A throw-away Kubernetes control plane on loopback: etcd, kube-apiserver, kube-controller-manager.
//
// This file holds the order of starting and stopping. Unless the option Pods is on, there is no node,
// and pods stay Pending.
package cluster

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"tidegate/testcluster/internal/kubelet"
)

// Options choose what the cluster consists of.
type Options struct {
	Dir               string
	Audit             bool
	ControllerManager bool
	Pods              bool // run them, as local processes

	EtcdArguments              []string
	APIServerArguments         []string
	ControllerManagerArguments []string
	KubeletArguments           []string
}

// Cluster is one running control plane. Its methods may be called from any goroutine; those that
// start or stop something exclude each other.
type Cluster struct {
	Paths Paths
	Users *Users
	PKI   *PKI

	Etcd, APIServer, ControllerManager, Kubelet *Process

	options Options
	ports   ports
	changes sync.Mutex // held while a component is started or stopped
}

type ports struct{ apiserver, etcdClient, etcdPeer int }

const (
	startPatience = 60 * time.Second // a loaded machine with two cores needs up to 20 s
	stopGrace     = 15 * time.Second
)

// New prepares the folder and everything in it; nothing runs yet.
func New(options Options) (*Cluster, error) {
	c := &Cluster{Paths: Paths{Dir: options.Dir}, Users: NewUsers(), options: options}
	if err := c.Paths.Prepare(); err != nil {
		return nil, err
	}
	if options.Pods {
		if err := kubelet.CheckPlace(); err != nil {
			return nil, err
		}
	}
	var err error
	if c.PKI, err = NewPKI(); err != nil {
		return nil, err
	}
	found, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	c.ports = ports{apiserver: found[0], etcdClient: found[1], etcdPeer: found[2]}
	if err := c.writeFiles(); err != nil {
		return nil, err
	}
	c.Etcd = NewProcess("etcd", c.Paths.Log("etcd"), c.etcdArguments())
	c.APIServer = NewProcess("kube-apiserver", c.Paths.Log("kube-apiserver"), c.apiserverArguments())
	c.ControllerManager = NewProcess("kube-controller-manager", c.Paths.Log("kube-controller-manager"), c.controllerManagerArguments())
	c.Kubelet = NewProcess("kubelet", c.Paths.Log("kubelet"), c.kubeletArguments())
	return c, nil
}

func (c *Cluster) writeFiles() error {
	if err := c.PKI.write(c.Paths); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	if err := c.Users.Save(c.Paths); err != nil {
		return fmt.Errorf("write tokens: %w", err)
	}
	if err := c.writeKubeconfigs(); err != nil {
		return fmt.Errorf("write kubeconfigs: %w", err)
	}
	return os.WriteFile(c.Paths.AuditPolicy(), []byte(auditPolicy), 0o600)
}

// Start brings everything up and returns when it is usable. The caller must Destroy it also after
// an error.
func (c *Cluster) Start(ctx context.Context) error {
	c.changes.Lock()
	defer c.changes.Unlock()
	if err := c.Etcd.Start(); err != nil {
		return err
	}
	if err := c.startAPIServer(ctx); err != nil { // it waits for etcd by itself
		return err
	}
	if err := c.bindViewers(ctx); err != nil {
		return err
	}
	if c.options.ControllerManager {
		if err := c.ControllerManager.Start(); err != nil {
			return err
		}
	}
	if c.options.Pods {
		if err := c.startKubelet(ctx); err != nil {
			return err
		}
	}
	if !c.options.ControllerManager {
		return nil
	}
	return c.awaitDefaultServiceAccount(ctx)
}

// Destroy kills everything that runs. The data stays in the folder.
func (c *Cluster) Destroy() {
	c.Kubelet.Kill() // and with it every pod's processes
	c.ControllerManager.Kill()
	c.APIServer.Kill()
	c.Etcd.Kill()
}

// StartAPIServer starts it on its old port with its old data, and waits until it is ready.
func (c *Cluster) StartAPIServer(ctx context.Context) error {
	c.changes.Lock()
	defer c.changes.Unlock()
	if err := c.startAPIServer(ctx); err != nil {
		return err
	}
	return c.reviveControllerManager()
}

// StopAPIServer ends it in good order.
func (c *Cluster) StopAPIServer() {
	c.changes.Lock()
	defer c.changes.Unlock()
	c.APIServer.Stop(stopGrace)
}

// RestartAPIServer stops it in good order and starts it again.
func (c *Cluster) RestartAPIServer(ctx context.Context) error {
	c.StopAPIServer()
	return c.StartAPIServer(ctx)
}

// RestartEtcd kills etcd, starts it with its old data, and waits until the API server is ready again.
// Killed, not stopped: a stop takes five seconds, and the longer etcd is away, the longer the API
// server's clients wait before they try again.
func (c *Cluster) RestartEtcd(ctx context.Context) error {
	c.changes.Lock()
	defer c.changes.Unlock()
	c.Etcd.Kill()
	if err := c.Etcd.Start(); err != nil {
		return err
	}
	if !c.APIServer.Alive() {
		return c.awaitEtcd(ctx)
	}
	return c.awaitReady(ctx)
}

// StartControllerManager starts it; it is not waited for, as nobody can ask it whether it is ready.
func (c *Cluster) StartControllerManager() error {
	c.changes.Lock()
	defer c.changes.Unlock()
	return c.ControllerManager.Start()
}

// StopControllerManager ends it in good order.
func (c *Cluster) StopControllerManager() {
	c.changes.Lock()
	defer c.changes.Unlock()
	c.ControllerManager.Stop(stopGrace)
}

// StartKubelet starts it and waits until its Node is ready. Pods that ran before run anew.
func (c *Cluster) StartKubelet(ctx context.Context) error {
	c.changes.Lock()
	defer c.changes.Unlock()
	return c.startKubelet(ctx)
}

// StopKubelet ends it in good order, and every pod's processes with it.
func (c *Cluster) StopKubelet() {
	c.changes.Lock()
	defer c.changes.Unlock()
	c.Kubelet.Stop(stopGrace)
}

// URL is the API server's address.
func (c *Cluster) URL() string { return loopbackURL("https", c.ports.apiserver) }

// EtcdURL is etcd's address, without TLS.
func (c *Cluster) EtcdURL() string { return loopbackURL("http", c.ports.etcdClient) }

func (c *Cluster) startAPIServer(ctx context.Context) error {
	if err := c.APIServer.Start(); err != nil {
		return err
	}
	return c.awaitReady(ctx)
}

func (c *Cluster) startKubelet(ctx context.Context) error {
	if err := c.Kubelet.Start(); err != nil {
		return err
	}
	return c.awaitNode(ctx)
}

// reviveControllerManager starts it again if it gave up while the API server was away.
func (c *Cluster) reviveControllerManager() error {
	if c.ControllerManager.EndedByItself() {
		return c.ControllerManager.Start()
	}
	return nil
}
