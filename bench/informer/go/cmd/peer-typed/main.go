// Contestant: client-go's typed shared informer, speaking JSON or protobuf.
package main

import (
	"flag"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"

	"tidegate.dev/bench/informer/internal/peer"
	"tidegate.dev/bench/informer/internal/protocol"
)

var contentTypes = map[string]string{"json": "application/json", "protobuf": "application/vnd.kubernetes.protobuf"}

func main() {
	var options peer.Options
	options.Register()
	encoding := flag.String("encoding", "protobuf", "json or protobuf")
	flag.Parse()
	if err := run(options, *encoding); err != nil {
		fmt.Fprintln(os.Stderr, "peer-typed:", err)
		os.Exit(1)
	}
}

func run(options peer.Options, encoding string) error {
	gvr, err := options.GVR()
	if err != nil {
		return err
	}
	config := options.Config()
	var ok bool
	if config.ContentType, ok = contentTypes[encoding]; !ok {
		return fmt.Errorf("unknown encoding %q", encoding)
	}
	config.AcceptContentTypes = config.ContentType
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make client: %w", err)
	}
	session := protocol.Start()
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(options.Namespace))
	informer, err := factory.ForResource(gvr)
	if err != nil {
		return fmt.Errorf("find informer: %w", err)
	}
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
