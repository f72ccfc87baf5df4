// `testcluster churn`: keeps the sample workloads changing, gently, so that a demo looks alive.
//
// One change per tick, drawn at random; nothing grows without bound. It looks at nothing but
// namespaces that carry the sample's label. Errors are said and survived: the cluster may be away.
package churn

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"tidegate/testcluster/internal/cluster"
)

// sampleSelector finds the namespaces that churn may touch.
const sampleSelector = "harbor.example.com/sample=true"

// churner changes things in the sample's namespaces.
type churner struct {
	client    kubernetes.Interface
	dynamic   dynamic.Interface
	random    *rand.Rand
	addresses int // of pods so far, for the next one's
}

type churnFlags struct {
	kubeconfig string
	rate       float64 // changes per second
	seed       uint64
	pods       bool
}

// Churn runs until it is interrupted, and returns the exit code.
func Churn(args []string) int {
	parsed, err := parseChurn(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = run(parsed)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "testcluster churn:", err)
		return 1
	}
	return 0
}

func parseChurn(args []string) (churnFlags, error) {
	var parsed churnFlags
	flags := flag.NewFlagSet("testcluster churn", flag.ContinueOnError)
	dir := flags.String("dir", "", "folder of a cluster started by `up`")
	flags.StringVar(&parsed.kubeconfig, "kubeconfig", "", "instead of --dir")
	flags.Float64Var(&parsed.rate, "rate", 2, "changes per second, at most 50")
	flags.Uint64Var(&parsed.seed, "seed", uint64(time.Now().UnixNano()), "of the random choices")
	flags.BoolVar(&parsed.pods, "pods", true, "play the kubelet: bind pods and call them running")
	if err := flags.Parse(args); err != nil {
		return parsed, err
	}
	if parsed.kubeconfig == "" && *dir != "" {
		parsed.kubeconfig = cluster.Paths{Dir: *dir}.Kubeconfig(cluster.UserAdmin)
	}
	if parsed.kubeconfig == "" {
		return parsed, errors.New("needs --dir or --kubeconfig")
	}
	if parsed.rate <= 0 || parsed.rate > 50 {
		return parsed, fmt.Errorf("--rate %v is not within 0..50", parsed.rate)
	}
	return parsed, nil
}

func run(flags churnFlags) error {
	config, err := clientcmd.BuildConfigFromFlags("", flags.kubeconfig)
	if err != nil {
		return err
	}
	config.Timeout = 10 * time.Second
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	c := &churner{client: client, dynamic: dynamicClient, random: rand.New(rand.NewPCG(flags.seed, 0))}
	c.loop(ctx, flags)
	return nil
}

// loop makes changes at the given rate, and looks after pods once a second.
func (c *churner) loop(ctx context.Context, flags churnFlags) {
	changes := time.NewTicker(time.Duration(float64(time.Second) / flags.rate))
	defer changes.Stop()
	pods := time.NewTicker(time.Second)
	defer pods.Stop()
	if !flags.pods {
		pods.Stop()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-changes.C:
			report(ctx, c.change(ctx))
		case <-pods.C:
			report(ctx, c.playKubelet(ctx))
		}
	}
}

// report says what went wrong, but for the races that are part of the game.
func report(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		return
	}
	fmt.Fprintln(os.Stderr, "testcluster churn:", err)
}

func (c *churner) namespaces(ctx context.Context) ([]string, error) {
	list, err := c.client.CoreV1().Namespaces().List(ctx, meta.ListOptions{LabelSelector: sampleSelector})
	if err != nil {
		return nil, fmt.Errorf("find the sample's namespaces: %w", err)
	}
	var names []string
	for _, namespace := range list.Items {
		names = append(names, namespace.Name)
	}
	return names, nil
}
