// The Node object, and the kubelet API that the API server asks for logs.
package kubelet

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"runtime"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
)

// register makes the Node and calls it ready. There are no heartbeats: the test cluster's controller
// manager doesn't look for them.
func (k *kubelet) register(ctx context.Context, port int) error {
	nodes := k.client.CoreV1().Nodes()
	node := &core.Node{ObjectMeta: meta.ObjectMeta{
		Name: k.options.Node,
		Labels: map[string]string{
			core.LabelHostname: k.options.Node, core.LabelOSStable: "linux",
		},
	}}
	if _, err := nodes.Create(ctx, node, meta.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	// Controllers write to a new Node, too.
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		current, err := nodes.Get(ctx, k.options.Node, meta.GetOptions{})
		if err != nil {
			return err
		}
		current.Status = k.nodeStatus(port)
		_, err = nodes.UpdateStatus(ctx, current, meta.UpdateOptions{})
		return err
	})
}

func (k *kubelet) nodeStatus(port int) core.NodeStatus {
	now := meta.Now()
	resources := core.ResourceList{
		core.ResourceCPU:    resource.MustParse("64"),
		core.ResourceMemory: resource.MustParse("256Gi"),
		core.ResourcePods:   resource.MustParse("10000"),
	}
	return core.NodeStatus{
		Capacity: resources, Allocatable: resources,
		Addresses: []core.NodeAddress{
			{Type: core.NodeInternalIP, Address: k.hostIP().String()},
			{Type: core.NodeHostName, Address: k.hostIP().String()}, // its name resolves nowhere
		},
		DaemonEndpoints: core.NodeDaemonEndpoints{KubeletEndpoint: core.DaemonEndpoint{Port: int32(port)}},
		Conditions: []core.NodeCondition{{
			Type: core.NodeReady, Status: core.ConditionTrue, Reason: "KubeletReady",
			LastHeartbeatTime: now, LastTransitionTime: now,
		}},
		NodeInfo: core.NodeSystemInfo{KubeletVersion: "testcluster", OperatingSystem: runtime.GOOS, Architecture: runtime.GOARCH},
	}
}

// serve opens the kubelet API on the Node's address and returns its port.
func (k *kubelet) serve(ctx context.Context) (int, error) {
	certificate, err := selfSigned(k.hostIP().AsSlice())
	if err != nil {
		return 0, err
	}
	address := fmt.Sprintf("%s:%d", k.hostIP(), k.options.Port)
	listener, err := tls.Listen("tcp", address, &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		return 0, fmt.Errorf("open the kubelet API: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", k.containerLogs)
	mux.HandleFunc("/", func(writer http.ResponseWriter, request *http.Request) {
		http.Error(writer, "the test cluster's kubelet has nothing but logs: "+request.URL.Path, http.StatusNotImplemented)
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	go func() {
		if err := server.Serve(listener); err != nil && ctx.Err() == nil {
			log.Printf("kubelet API: %v", err)
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func selfSigned(ip net.IP) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "testcluster-kubelet"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		IPAddresses:  []net.IP{ip},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
