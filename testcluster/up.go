// `testcluster up`: starts a cluster, says on one line how to reach it, and stays until told to end.
//
// It ends on SIGTERM, SIGINT, the control command `stop`, or the end of standard input; its children
// end with it, even if it is killed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"tidegate/testcluster/internal/cluster"
	"tidegate/testcluster/internal/control"
	"tidegate/testcluster/internal/kubelet"
)

type upFlags struct {
	options        cluster.Options
	stopOnStdinEOF bool
	temporaryDir   bool
}

// up returns the exit code.
func up(args []string) int {
	flags, err := parseUp(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = runUp(flags)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "testcluster up:", err)
		return 1
	}
	return 0
}

func parseUp(args []string) (upFlags, error) {
	var parsed upFlags
	options := &parsed.options
	flags := flag.NewFlagSet("testcluster up", flag.ContinueOnError)
	flags.StringVar(&options.Dir, "dir", "", "folder of the cluster; without it, a temporary one that is deleted in the end")
	flags.BoolVar(&options.Audit, "audit", false, "log every request to logs/audit.log")
	flags.BoolVar(&options.ControllerManager, "controller-manager", true, "run the controllers, too")
	flags.BoolVar(&options.Pods, "pods", false, "run pods as local processes: needs root and a network namespace (unshare --net)")
	images := kubelet.Images{}
	flags.Var(images, "image", "NAME=PROGRAM: what to run for images whose last part is NAME (repeatable)")
	flags.BoolVar(&parsed.stopOnStdinEOF, "stop-on-stdin-eof", false, "end when standard input ends, so that a dead parent leaves nothing behind")
	flags.Var((*control.List)(&options.EtcdArguments), "etcd-arg", "one more argument for etcd (repeatable)")
	flags.Var((*control.List)(&options.APIServerArguments), "apiserver-arg", "one more argument for kube-apiserver (repeatable)")
	flags.Var((*control.List)(&options.ControllerManagerArguments), "controller-manager-arg", "one more argument for kube-controller-manager (repeatable)")
	flags.Var((*control.List)(&options.KubeletArguments), "kubelet-arg", "one more argument for the stand-in for kubelets (repeatable)")
	if err := flags.Parse(args); err != nil {
		return parsed, err
	}
	if flags.NArg() > 0 {
		return parsed, fmt.Errorf("unexpected %q", flags.Args())
	}
	for name, program := range images {
		options.KubeletArguments = append(options.KubeletArguments, "--image="+name+"="+program)
	}
	if options.Dir == "" {
		dir, err := os.MkdirTemp("", "testcluster-")
		if err != nil {
			return parsed, err
		}
		options.Dir, parsed.temporaryDir = dir, true
	}
	dir, err := filepath.Abs(options.Dir)
	options.Dir = dir
	return parsed, err
}

func runUp(flags upFlags) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	signal.Ignore(syscall.SIGPIPE)
	if flags.temporaryDir {
		defer os.RemoveAll(flags.options.Dir)
	}
	if flags.stopOnStdinEOF {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	began := time.Now()
	running, err := startCluster(ctx, flags.options)
	if running != nil {
		defer running.Destroy()
	}
	if err != nil {
		return err
	}
	server, err := control.Listen(running, flags.options.Audit, time.Since(began), stop)
	if err != nil {
		return err
	}
	go server.Serve(ctx)
	if err := json.NewEncoder(os.Stdout).Encode(server.Status()); err != nil {
		return fmt.Errorf("say that the cluster is up: %w", err)
	}
	<-ctx.Done()
	return nil
}

// startCluster tries again from nothing, with other ports: somebody may be faster to take one, and a busy
// machine may starve etcd until the API server gives up.
func startCluster(ctx context.Context, options cluster.Options) (*cluster.Cluster, error) {
	const attempts = 3
	for attempt := 1; ; attempt++ {
		fresh, err := cluster.New(options)
		if err != nil {
			return nil, err
		}
		err = fresh.Start(ctx)
		if err == nil || attempt == attempts || ctx.Err() != nil {
			return fresh, err
		}
		fresh.Destroy()
		fmt.Fprintf(os.Stderr, "testcluster: start %d of %d failed: %v\n", attempt, attempts, err)
	}
}
