// Contestant: client-go's dynamic shared informer, as an operator that chooses
// its kinds at run time would use it.
package main

import (
	"flag"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"

	"tidegate.dev/bench/informer/internal/peer"
	"tidegate.dev/bench/informer/internal/protocol"
)

func main() {
	var options peer.Options
	options.Register()
	flag.Parse()
	if err := run(options); err != nil {
		fmt.Fprintln(os.Stderr, "peer-dynamic:", err)
		os.Exit(1)
	}
}

func run(options peer.Options) error {
	gvr, err := options.GVR()
	if err != nil {
		return err
	}
	client, err := dynamic.NewForConfig(options.Config())
	if err != nil {
		return fmt.Errorf("make client: %w", err)
	}
	session := protocol.Start()
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(client, 0, options.Namespace, nil)
	informer := factory.ForResource(gvr)
	registration, err := peer.Handle(informer.Informer(), session)
	if err != nil {
		return fmt.Errorf("add handler: %w", err)
	}
	factory.Start(nil)
	return peer.Serve(session, registration, func() (int, error) {
		found, err := informer.Lister().List(labels.Everything())
		return len(found), err
	})
}
