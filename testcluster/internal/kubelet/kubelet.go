// Package kubelet is a stand-in for kubelets, runtime and scheduler: pods become local processes.
//
// It registers one Node, binds every pod that has no node to it, and runs the pods of that Node. Each
// pod has a network namespace of its own, on a bridge; there is no image, no mount namespace and no
// limit on anything. A program of this machine stands for each image. Everything dies with it.
//
// What is not done: init containers, ephemeral containers, exec probes, liveness, projected volumes,
// exec and port-forward. Pods that need one of the first say so in their status.
package kubelet

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

type kubelet struct {
	options Options
	client  kubernetes.Interface
	network *network

	mu   sync.Mutex
	pods map[types.UID]*pod // that run here, or did and are not yet gone
	done sync.WaitGroup     // of the pods' goroutines
}

// Run registers the Node and attends to pods until ctx ends; then no process of a pod is left.
func Run(ctx context.Context, client kubernetes.Interface, options Options) error {
	network, err := newNetwork(options.Network)
	if err != nil {
		return err
	}
	k := &kubelet{options: options, client: client, network: network, pods: map[types.UID]*pod{}}
	if err := checkServer(client.Discovery()); err != nil {
		return err
	}
	port, err := k.serve(ctx)
	if err != nil {
		return err
	}
	if err := k.register(ctx, port); err != nil {
		return fmt.Errorf("register the node: %w", err)
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	informer := factory.Core().V1().Pods().Informer()
	if _, err := informer.AddEventHandler(k.handler(ctx)); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return ctx.Err()
	}
	log.Printf("node %s is ready, pods live in %s", options.Node, options.Network)
	<-ctx.Done()
	k.done.Wait()
	return nil
}

// checkServer refuses an API server with which no pod could ever get a node.
func checkServer(server discovery.DiscoveryInterface) error {
	list, err := server.ServerResourcesForGroupVersion("v1")
	if err != nil {
		return fmt.Errorf("ask what the API server can do: %w", err)
	}
	if !slices.ContainsFunc(list.APIResources, func(it meta.APIResource) bool { return it.Name == "pods/binding" }) {
		return errors.New("this API server does not serve pods/binding, so that no pod can be bound to a node")
	}
	return nil
}

func (k *kubelet) handler(ctx context.Context) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { k.seen(ctx, object.(*core.Pod)) },
		UpdateFunc: func(_, object any) { k.seen(ctx, object.(*core.Pod)) },
		DeleteFunc: func(object any) {
			if tombstone, missed := object.(cache.DeletedFinalStateUnknown); missed {
				object = tombstone.Obj
			}
			k.gone(object.(*core.Pod).UID)
		},
	}
}

// seen learns the newest state of a pod.
func (k *kubelet) seen(ctx context.Context, object *core.Pod) {
	if object.Spec.NodeName == "" {
		if object.DeletionTimestamp == nil {
			go k.bind(ctx, object)
		}
		return
	}
	if object.Spec.NodeName != k.options.Node {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if known := k.pods[object.UID]; known != nil {
		known.update(object)
		return
	}
	ended := object.Status.Phase == core.PodSucceeded || object.Status.Phase == core.PodFailed
	if ended && object.DeletionTimestamp == nil {
		return // it did before this process began
	}
	fresh := newPod(k, object)
	k.pods[object.UID] = fresh
	k.done.Go(func() { fresh.live(ctx) })
}

// gone ends what is left of a pod whose object is no more, such as after a forced deletion.
func (k *kubelet) gone(uid types.UID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if known := k.pods[uid]; known != nil {
		known.vanish()
		delete(k.pods, uid)
	}
}

// bind plays the scheduler.
func (k *kubelet) bind(ctx context.Context, object *core.Pod) {
	binding := &core.Binding{
		ObjectMeta: meta.ObjectMeta{Namespace: object.Namespace, Name: object.Name, UID: object.UID},
		Target:     core.ObjectReference{Kind: "Node", Name: k.options.Node},
	}
	err := k.client.CoreV1().Pods(object.Namespace).Bind(ctx, binding, meta.CreateOptions{})
	// A conflict says that it is bound already.
	if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) && ctx.Err() == nil {
		log.Printf("%s/%s: bind: %v", object.Namespace, object.Name, err)
	}
}

// find gives the pod that has this name now.
func (k *kubelet) find(namespace, name string) *pod {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, candidate := range k.pods {
		if candidate.namespace == namespace && candidate.name == name {
			return candidate
		}
	}
	return nil
}

func (k *kubelet) podDir(p *pod) string {
	return filepath.Join(k.options.Dir, "pods", fmt.Sprintf("%s_%s_%s", p.namespace, p.name, p.uid))
}

func (k *kubelet) hostIP() netip.Addr { return k.network.bridge }
