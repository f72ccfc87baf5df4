// The replay server: generates objects, then serves LIST and WATCH of them to
// one client under test. Prints `READY <url>` once all is encoded.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"tidegate.dev/bench/informer/internal/objects"
	"tidegate.dev/bench/informer/internal/replay"
)

type flags struct {
	listen, resource, managed, caOut string
	count                            int
	seed                             uint64
	tls, verbose                     bool
	server                           replay.Options
}

func parseFlags() flags {
	var f flags
	flag.StringVar(&f.listen, "listen", "127.0.0.1:0", "address to serve on")
	flag.StringVar(&f.resource, "resource", "pods", "comma-separated: pods, deployments, endpointslices")
	flag.StringVar(&f.managed, "managed-fields", "strip", "strip or keep")
	flag.IntVar(&f.count, "count", 10_000, "objects of each resource")
	flag.Uint64Var(&f.seed, "seed", 1, "equal seeds give equal objects")
	flag.BoolVar(&f.tls, "tls", false, "serve TLS with HTTP/2 and a certificate made at start")
	flag.StringVar(&f.caOut, "ca-out", "", "with -tls: file to write the certificate to")
	flag.BoolVar(&f.verbose, "verbose", false, "log every request")
	flag.BoolVar(&f.server.Protobuf, "protobuf", false, "also encode as protobuf (more memory)")
	flag.BoolVar(&f.server.HonourDrop, "honour-drop", false, "obey drop=metadata.managedFields in Accept")
	flag.StringVar(&f.server.WatchList, "watch-list", replay.WatchListOn, "on, ignore or refuse sendInitialEvents")
	flag.DurationVar(&f.server.BookmarkEvery, "bookmark-every", time.Minute, "interval of bookmarks")
	flag.Parse()
	return f
}

func main() {
	f := parseFlags()
	if err := run(f); err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		os.Exit(1)
	}
}

func run(f flags) error {
	level := slog.LevelInfo
	if f.verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	stores, err := generate(f)
	if err != nil {
		return err
	}
	debug.FreeOSMemory()
	debug.SetGCPercent(50) // what lives is large and without pointers
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: replay.NewServer(f.server, stores, log), ReadHeaderTimeout: 10 * time.Second}
	scheme := "http"
	if f.tls {
		scheme = "https"
		if server.TLSConfig, err = selfSigned(f.caOut); err != nil {
			return err
		}
	}
	fmt.Printf("READY %s://%s\n", scheme, listener.Addr())
	if f.tls {
		return server.ServeTLS(listener, "", "")
	}
	return server.Serve(listener)
}

func generate(f flags) ([]*replay.Store, error) {
	var stores []*replay.Store
	for name := range strings.SplitSeq(f.resource, ",") {
		kind, err := kindOf(name)
		if err != nil {
			return nil, err
		}
		all, err := objects.Generate(objects.Options{
			Kind: kind, Count: f.count, Seed: f.seed, ManagedFields: f.managed == "keep", Protobuf: f.server.Protobuf,
		})
		if err != nil {
			return nil, err
		}
		size := 0
		for _, object := range all {
			size += len(object.JSON)
		}
		fmt.Printf("OBJECTS resource=%s n=%d json_bytes_mean=%d\n", name, len(all), size/max(1, len(all)))
		stores = append(stores, replay.NewStore(kind, all))
	}
	return stores, nil
}

func kindOf(resource string) (objects.Kind, error) {
	for _, kind := range objects.Kinds {
		if kind.Resource == resource {
			return kind, nil
		}
	}
	return objects.Kind{}, fmt.Errorf("unknown resource %q", resource)
}

func selfSigned(caOut string) (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	if caOut != "" {
		if err := os.WriteFile(caOut, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
			return nil, fmt.Errorf("write certificate: %w", err)
		}
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"h2", "http/1.1"},
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	}, nil
}
