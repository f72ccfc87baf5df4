// The supervisor's side of the control socket.
//
// Several clients may be connected; their commands run one after the other.
package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"tidegate/testcluster/internal/cluster"
)

// lineMax bounds one command.
const lineMax = 64 * 1024

// Server carries out commands on one cluster.
type Server struct {
	cluster   *cluster.Cluster
	audit     bool
	startedIn time.Duration
	stop      context.CancelFunc // ends the supervisor

	turn     sync.Mutex // held by the command that runs
	minted   int        // counts kubeconfigs with other addresses; guarded by turn
	listener net.Listener
}

// Listen opens the control socket. Stop is called for the command `stop`.
func Listen(c *cluster.Cluster, audit bool, startedIn time.Duration, stop context.CancelFunc) (*Server, error) {
	listener, err := net.Listen("unix", c.Paths.Control())
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	return &Server{cluster: c, audit: audit, startedIn: startedIn, stop: stop, listener: listener}, nil
}

// Serve answers until the context ends.
func (s *Server) Serve(ctx context.Context) {
	context.AfterFunc(ctx, func() { s.listener.Close() })
	for {
		connection, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "testcluster: control socket:", err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		go s.converse(ctx, connection)
	}
}

func (s *Server) converse(ctx context.Context, connection net.Conn) {
	defer connection.Close()
	lines := bufio.NewScanner(connection)
	lines.Buffer(make([]byte, 0, 4096), lineMax)
	writer := json.NewEncoder(connection) // ends each answer with a newline
	for lines.Scan() {
		if err := writer.Encode(s.answer(ctx, lines.Bytes())); err != nil {
			return // the client left
		}
	}
}

func (s *Server) answer(ctx context.Context, line []byte) Answer {
	var words []string
	if err := json.Unmarshal(line, &words); err != nil {
		return Answer{Error: fmt.Sprintf("a command is a JSON array of strings: %v", err)}
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	result, err := s.run(ctx, words)
	if err != nil {
		return Answer{Error: err.Error()}
	}
	raw, err := json.Marshal(result)
	if err != nil {
		return Answer{Error: err.Error()}
	}
	return Answer{OK: true, Result: raw}
}

// Status describes the cluster as it is now.
func (s *Server) Status() Status {
	c := s.cluster
	status := Status{
		Dir:         c.Paths.Dir,
		Server:      c.URL(),
		Etcd:        c.EtcdURL(),
		Kubeconfig:  c.Paths.Kubeconfig(cluster.UserAdmin),
		Kubeconfigs: c.Kubeconfigs(),
		CA:          c.Paths.CA(),
		Tokens:      map[string]string{},
		Control:     c.Paths.Control(),
		Pids:        map[string]int{"supervisor": os.Getpid()},
		StartedMS:   s.startedIn.Milliseconds(),
	}
	for _, user := range c.Users.Names() {
		status.Tokens[user], _ = c.Users.Token(user)
	}
	status.Token = status.Tokens[cluster.UserAdmin]
	if s.audit {
		status.AuditLog = c.Paths.AuditLog()
	}
	for _, process := range []*cluster.Process{c.Etcd, c.APIServer, c.ControllerManager, c.Kubelet} {
		if pid := process.Pid(); pid != 0 {
			status.Pids[process.Name] = pid
		}
	}
	return status
}
