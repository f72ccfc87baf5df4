// What each control command does: words are parsed here, and the work is the cluster's.
package control

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"tidegate/testcluster/internal/cluster"
)

// Help lists the commands.
const Help = `commands:
  status
  apiserver start|stop|kill|restart|pause|resume
  controller-manager start|stop|kill
  kubelet start|stop|kill
  etcd restart
  etcd compact [--restart-apiserver]
  token mint --serviceaccount NAMESPACE/NAME [--ttl 10m]
  token rotate --user NAME [--group GROUP]... [--restart-apiserver]
  cert mint --user NAME [--group GROUP]... [--ttl 1h]
  kubeconfig [--user NAME] [--server URL]
  stop`

// empty is the result of commands with nothing to tell.
type empty struct{}

// run carries out one command and returns its result.
func (s *Server) run(ctx context.Context, words []string) (any, error) {
	if len(words) == 0 {
		return nil, fmt.Errorf("no command\n%s", Help)
	}
	noun, rest := words[0], words[1:]
	switch noun {
	case "status":
		return s.Status(), nil
	case "stop":
		s.stop()
		return empty{}, nil
	case "kubeconfig":
		return s.kubeconfig(rest)
	}
	if len(rest) == 0 {
		return nil, fmt.Errorf("no such command: %s\n%s", noun, Help)
	}
	verb, rest := rest[0], rest[1:]
	switch noun {
	case "apiserver":
		return s.apiserver(ctx, verb)
	case "controller-manager":
		return s.controllerManager(verb)
	case "kubelet":
		return s.kubelet(ctx, verb)
	case "etcd":
		return s.etcd(ctx, verb, rest)
	case "token":
		return s.token(ctx, verb, rest)
	case "cert":
		return s.cert(verb, rest)
	}
	return nil, fmt.Errorf("no such command: %s %s\n%s", noun, verb, Help)
}

func (s *Server) apiserver(ctx context.Context, verb string) (any, error) {
	switch verb {
	case "start":
		return empty{}, s.cluster.StartAPIServer(ctx)
	case "stop":
		s.cluster.StopAPIServer()
		return empty{}, nil
	case "kill":
		s.cluster.APIServer.Kill()
		return empty{}, nil
	case "restart":
		return empty{}, s.cluster.RestartAPIServer(ctx)
	case "pause":
		return empty{}, s.cluster.APIServer.Signal(syscall.SIGSTOP)
	case "resume":
		return empty{}, s.cluster.APIServer.Signal(syscall.SIGCONT)
	}
	return nil, noVerb("apiserver", verb)
}

func (s *Server) controllerManager(verb string) (any, error) {
	switch verb {
	case "start":
		return empty{}, s.cluster.StartControllerManager()
	case "stop":
		s.cluster.StopControllerManager()
		return empty{}, nil
	case "kill":
		s.cluster.ControllerManager.Kill()
		return empty{}, nil
	}
	return nil, noVerb("controller-manager", verb)
}

func (s *Server) kubelet(ctx context.Context, verb string) (any, error) {
	switch verb {
	case "start":
		return empty{}, s.cluster.StartKubelet(ctx)
	case "stop":
		s.cluster.StopKubelet()
		return empty{}, nil
	case "kill":
		s.cluster.Kubelet.Kill()
		return empty{}, nil
	}
	return nil, noVerb("kubelet", verb)
}

func (s *Server) etcd(ctx context.Context, verb string, words []string) (any, error) {
	switch verb {
	case "restart":
		return empty{}, s.cluster.RestartEtcd(ctx)
	case "compact":
		flags := newFlags("etcd compact")
		restart := flags.Bool("restart-apiserver", false, "so that its watch cache forgets, too")
		if err := parse(flags, words); err != nil {
			return nil, err
		}
		revision, err := s.cluster.CompactEtcd(ctx)
		if err == nil && *restart {
			err = s.cluster.RestartAPIServer(ctx)
		}
		return map[string]int64{"revision": revision}, err
	}
	return nil, noVerb("etcd", verb)
}

func (s *Server) token(ctx context.Context, verb string, words []string) (any, error) {
	switch verb {
	case "mint":
		return s.tokenMint(ctx, words)
	case "rotate":
		return s.tokenRotate(ctx, words)
	}
	return nil, noVerb("token", verb)
}

func (s *Server) tokenMint(ctx context.Context, words []string) (any, error) {
	flags := newFlags("token mint")
	account := flags.String("serviceaccount", "", "NAMESPACE/NAME")
	ttl := flags.Duration("ttl", 10*time.Minute, "life of the token")
	if err := parse(flags, words); err != nil {
		return nil, err
	}
	namespace, name, ok := strings.Cut(*account, "/")
	if !ok {
		return nil, fmt.Errorf("token mint needs --serviceaccount NAMESPACE/NAME; got %q", *account)
	}
	token, err := s.cluster.MintToken(ctx, types.NamespacedName{Namespace: namespace, Name: name}, *ttl)
	return map[string]string{"token": token}, err
}

func (s *Server) tokenRotate(ctx context.Context, words []string) (any, error) {
	flags := newFlags("token rotate")
	user := flags.String("user", "", "whose token")
	restart := flags.Bool("restart-apiserver", false, "so that the rotation takes effect now")
	var groups List
	flags.Var(&groups, "group", "a group of the user (repeatable)")
	if err := parse(flags, words); err != nil {
		return nil, err
	}
	if *user == "" || *user == cluster.UserAdmin {
		return nil, fmt.Errorf("token rotate needs --user, and not %q: the supervisor itself uses it", cluster.UserAdmin)
	}
	token, err := s.cluster.RotateToken(*user, groups)
	if err == nil && *restart {
		err = s.cluster.RestartAPIServer(ctx)
	}
	return map[string]string{
		"token":      token,
		"token_file": s.cluster.Paths.Token(*user),
		"kubeconfig": s.cluster.Paths.Kubeconfig(*user),
	}, err
}

func (s *Server) cert(verb string, words []string) (any, error) {
	if verb != "mint" {
		return nil, noVerb("cert", verb)
	}
	flags := newFlags("cert mint")
	user := flags.String("user", "", "common name")
	ttl := flags.Duration("ttl", time.Hour, "life of the certificate")
	var groups List
	flags.Var(&groups, "group", "a group of the user (repeatable)")
	if err := parse(flags, words); err != nil {
		return nil, err
	}
	if *user == "" {
		return nil, fmt.Errorf("cert mint needs --user")
	}
	return s.cluster.MintCert(*user, groups, *ttl)
}

func (s *Server) kubeconfig(words []string) (any, error) {
	flags := newFlags("kubeconfig")
	user := flags.String("user", cluster.UserAdmin, "whose credential")
	server := flags.String("server", s.cluster.URL(), "address of the API server, such as a proxy's")
	if err := parse(flags, words); err != nil {
		return nil, err
	}
	s.minted++
	path := filepath.Join(s.cluster.Paths.Dir, fmt.Sprintf("via-%d.kubeconfig", s.minted))
	return map[string]string{"kubeconfig": path}, s.cluster.KubeconfigVia(*user, *server, path)
}

// List is a flag that may be given several times.
type List []string

func (l *List) String() string { return strings.Join(*l, ",") }

// Set adds one value.
func (l *List) Set(value string) error {
	*l = append(*l, value)
	return nil
}

func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(&strings.Builder{}) // errors travel in the answer
	return flags
}

func parse(flags *flag.FlagSet, words []string) error {
	if err := flags.Parse(words); err != nil {
		return fmt.Errorf("%s: %w\n%s", flags.Name(), err, Help)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%s: unexpected %q\n%s", flags.Name(), flags.Args(), Help)
	}
	return nil
}

func noVerb(noun, verb string) error {
	return fmt.Errorf("%s cannot %q\n%s", noun, verb, Help)
}
