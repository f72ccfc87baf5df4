// `testcluster kubelet`: a stand-in for kubelets, as a command.
//
// It needs root and a network namespace that is not the machine's own, and says so when it lacks them.
package kubelet

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// Options choose where pods run, and what they run.
type Options struct {
	Node    string       // the Node's name
	Dir     string       // volumes and logs
	Network netip.Prefix // of the pods; its first address is the bridge's and the Node's
	Port    int          // of the kubelet API on the Node's address
	Images  Images
}

// Kubelet runs until it is interrupted, and returns the exit code.
func Kubelet(args []string) int {
	options, kubeconfig, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = runCommand(options, kubeconfig)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "testcluster kubelet:", err)
		return 1
	}
	return 0
}

func parse(args []string) (Options, string, error) {
	options := Options{Images: Images{}}
	flags := flag.NewFlagSet("testcluster kubelet", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "the API server")
	flags.StringVar(&options.Dir, "dir", "", "folder for volumes and logs of pods")
	flags.StringVar(&options.Node, "node", "testcluster-node", "name of the Node")
	flags.IntVar(&options.Port, "port", 10250, "of the kubelet API")
	network := flags.String("network", "10.244.0.0/16", "of the pods")
	flags.Var(options.Images, "image", "NAME=PROGRAM: what to run for images whose last part is NAME (repeatable)")
	if err := flags.Parse(args); err != nil {
		return options, "", err
	}
	if *kubeconfig == "" || options.Dir == "" || flags.NArg() > 0 {
		return options, "", errors.New("needs --kubeconfig and --dir, and nothing else")
	}
	var err error
	if options.Network, err = netip.ParsePrefix(*network); err != nil || !options.Network.Addr().Is4() || options.Network.Bits() > 24 {
		return options, "", fmt.Errorf("--network %s: an IPv4 network of /24 or larger is needed", *network)
	}
	options.Network = options.Network.Masked()
	options.Dir, err = filepath.Abs(options.Dir)
	return options, *kubeconfig, err
}

func runCommand(options Options, kubeconfig string) error {
	if err := CheckPlace(); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1 // no limit
	// The embedded API server reads no protobuf, and for the real one it makes no difference here.
	config.ContentType = "application/json"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	return Run(ctx, client, options)
}

// CheckPlace says what is missing to run pods here.
func CheckPlace() error {
	if os.Geteuid() != 0 {
		return errors.New("pods need root, to make network namespaces for them")
	}
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return err
	}
	machine, err := os.Readlink("/proc/1/ns/net")
	if err == nil && own == machine {
		return errors.New("this is the machine's own network namespace, which pods must not touch: " +
			"start the cluster by `unshare --net`, after `ip link set lo up` in there")
	}
	return nil
}

// Images maps the last part of an image's name, without tag, to a program on this machine.
type Images map[string]string

func (i Images) String() string { return fmt.Sprint(map[string]string(i)) }

// Set adds one NAME=PROGRAM.
func (i Images) Set(value string) error {
	name, program, found := strings.Cut(value, "=")
	if !found || name == "" || program == "" {
		return errors.New("must be NAME=PROGRAM")
	}
	path, err := filepath.Abs(program)
	i[name] = path
	return err
}

// program finds what to run for an image such as registry.k8s.io/gateway-api/echo-basic:v1.5.1.
func (i Images) program(image string) (string, error) {
	name := image[strings.LastIndexByte(image, '/')+1:]
	name, _, _ = strings.Cut(name, "@")
	name, _, _ = strings.Cut(name, ":")
	program, known := i[name]
	if !known {
		return "", fmt.Errorf("no program stands for the image %s; say --image %s=PROGRAM", image, name)
	}
	return program, nil
}
