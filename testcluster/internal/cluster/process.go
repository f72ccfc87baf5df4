// One child process that can be stopped, killed, paused and started again with the same arguments.
//
// It knows nothing of what the child is. Its output goes to one log file, appended across restarts.
package cluster

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"tidegate/testcluster/internal/spawn"
)

// Process is a child of the supervisor. At most one instance of it runs at any time.
type Process struct {
	Name    string
	args    []string
	logPath string

	mu      sync.Mutex
	current *instance // nil before the first start
}

// instance is one run of a process, from fork to exit.
type instance struct {
	cmd      *exec.Cmd
	exited   chan struct{} // closed after Wait returned
	expected bool          // guarded by Process.mu: we asked for this exit
}

// NewProcess describes a child; args begin with the word that chooses the program.
func NewProcess(name, logPath string, args []string) *Process {
	return &Process{Name: name, args: args, logPath: logPath}
}

// Start forks the child. It is an error if it runs already.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current.alive() {
		return fmt.Errorf("%s runs already", p.Name)
	}
	log, err := os.OpenFile(p.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("log of %s: %w", p.Name, err)
	}
	defer log.Close() // the child keeps its own copy
	cmd := exec.Command(spawn.SelfExe, p.args...)
	cmd.Args[0] = "testcluster" // what ps shows
	cmd.Stdout, cmd.Stderr = log, log
	if err := spawn.Start(cmd); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	run := &instance{cmd: cmd, exited: make(chan struct{})}
	p.current = run
	go p.reap(run)
	return nil
}

// reap collects the exit status, and reports an exit that nobody asked for.
func (p *Process) reap(run *instance) {
	err := run.cmd.Wait()
	p.mu.Lock()
	expected := run.expected
	p.mu.Unlock()
	close(run.exited)
	if !expected {
		fmt.Fprintf(os.Stderr, "testcluster: %s ended by itself: %v; its log is %s\n", p.Name, err, p.logPath)
	}
}

func (r *instance) alive() bool {
	if r == nil {
		return false
	}
	select {
	case <-r.exited:
		return false
	default:
		return true
	}
}

// Alive says whether an instance runs now.
func (p *Process) Alive() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current.alive()
}

// EndedByItself says whether the last instance is gone although nobody asked it to go.
func (p *Process) EndedByItself() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current != nil && !p.current.alive() && !p.current.expected
}

// Pid is the process id of the running instance, or 0.
func (p *Process) Pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.current.alive() {
		return 0
	}
	return p.current.cmd.Process.Pid
}

// Stop asks the child to end and kills it when grace is over. No error if it does not run.
func (p *Process) Stop(grace time.Duration) {
	run := p.expectExit()
	if !run.alive() {
		return
	}
	_ = run.cmd.Process.Signal(syscall.SIGTERM) // an error means that it just ended
	_ = run.cmd.Process.Signal(syscall.SIGCONT) // a paused child could not obey
	select {
	case <-run.exited:
	case <-time.After(grace):
		_ = run.cmd.Process.Kill()
		<-run.exited
	}
}

// Kill ends the child at once, as `kill -9` does. No error if it does not run.
func (p *Process) Kill() {
	run := p.expectExit()
	if !run.alive() {
		return
	}
	_ = run.cmd.Process.Kill()
	<-run.exited
}

// Signal sends a signal that does not end the child, such as SIGSTOP or SIGCONT.
func (p *Process) Signal(signal syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.current.alive() {
		return fmt.Errorf("%s does not run", p.Name)
	}
	return p.current.cmd.Process.Signal(signal)
}

func (p *Process) expectExit() *instance {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current != nil {
		p.current.expected = true
	}
	return p.current
}

// LogTail is the end of the child's log, for error messages.
func (p *Process) LogTail() string {
	const lines = 15
	content, err := os.ReadFile(p.logPath)
	if err != nil {
		return err.Error()
	}
	rows := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	return string(bytes.Join(rows[max(0, len(rows)-lines):], []byte("\n")))
}
