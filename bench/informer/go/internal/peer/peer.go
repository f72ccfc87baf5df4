// Package peer is what the client-go contestants share: flags, the connection,
// the event handler and the end of the initial list.
package peer

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"tidegate.dev/bench/informer/internal/objects"
	"tidegate.dev/bench/informer/internal/protocol"
)

// Options are the flags of every client-go contestant.
type Options struct {
	Server, Resource, Namespace string
	Insecure                    bool
}

// Register adds the flags; the caller parses them.
func (o *Options) Register() {
	flag.StringVar(&o.Server, "server", "", "URL of the API server")
	flag.StringVar(&o.Resource, "resource", "pods", "resource to cache")
	flag.StringVar(&o.Namespace, "namespace", "", "only this namespace")
	flag.BoolVar(&o.Insecure, "insecure", false, "accept any certificate")
}

// Config has no client-side rate limit and is otherwise client-go's default.
func (o *Options) Config() *rest.Config {
	return &rest.Config{Host: o.Server, QPS: -1, TLSClientConfig: rest.TLSClientConfig{Insecure: o.Insecure}}
}

// GVR is the group, version and resource the flags name.
func (o *Options) GVR() (schema.GroupVersionResource, error) {
	for _, kind := range objects.Kinds {
		if kind.Resource == o.Resource {
			return schema.GroupVersionResource{Group: kind.Group, Version: kind.Version, Resource: kind.Resource}, nil
		}
	}
	return schema.GroupVersionResource{}, fmt.Errorf("unknown resource %q", o.Resource)
}

// Handle adds the counting handler to an informer.
func Handle(informer cache.SharedIndexInformer, session *protocol.Session) (cache.ResourceEventHandlerRegistration, error) {
	return informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { session.Added() },
		UpdateFunc: func(before, after any) {
			oldMeta, okOld := before.(metav1.Object)
			newMeta, okNew := after.(metav1.Object)
			if okOld && okNew && oldMeta.GetResourceVersion() != newMeta.GetResourceVersion() {
				session.Updated(newMeta.GetAnnotations()[protocol.Timestamp])
			}
		},
	})
}

// Serve waits for the handler to have everything, proves that the lister works, and stays until SIGTERM.
func Serve(session *protocol.Session, registration cache.ResourceEventHandlerRegistration, count func() (int, error)) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if !cache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
		return errors.New("stopped before the initial list was complete")
	}
	session.Synced()
	if n, err := count(); err != nil || n == 0 {
		return fmt.Errorf("lister found %d objects: %w", n, err)
	}
	<-ctx.Done()
	return nil
}
