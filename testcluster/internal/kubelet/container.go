// One container: a process that is started again when it ends, as the pod's restart policy says.
package kubelet

import (
	"context"
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"time"

	core "k8s.io/api/core/v1"

	"tidegate/testcluster/internal/spawn"
)

const (
	backoffFirst = 200 * time.Millisecond
	backoffLast  = 10 * time.Second
)

type container struct {
	spec    *core.Container
	policy  core.RestartPolicy
	words   []string // the whole command line, from nsenter on
	env     []string
	dir     string
	output  *output
	changed func() // called after each change of state

	mu       sync.Mutex
	process  *exec.Cmd
	started  time.Time
	ready    bool
	runs     int
	last     *core.ContainerStateTerminated // of the run before, or the last of all
	finished bool                           // will not be started again
	stopping bool
	waiting  string // why it doesn't run
}

// run keeps the container going until it has finished, or ctx ends.
func (c *container) run(ctx context.Context) {
	backoff := backoffFirst
	for ctx.Err() == nil {
		began := time.Now()
		code, err := c.runOnce(ctx)
		if c.over(code, err, began) {
			return
		}
		if time.Since(began) > backoffLast {
			backoff = backoffFirst
		}
		select {
		case <-ctx.Done():
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, backoffLast)
	}
	c.mu.Lock()
	c.finished = true
	c.mu.Unlock()
}

func (c *container) runOnce(ctx context.Context) (int, error) {
	pipe, kept, err := c.output.attach()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(c.words[0], c.words[1:]...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = c.env, c.dir, pipe, pipe
	c.mu.Lock()
	if c.stopping {
		c.mu.Unlock()
		pipe.Close()
		return 0, context.Canceled
	}
	err = spawn.Start(cmd)
	pipe.Close() // the process has its own
	if err == nil {
		c.process, c.started, c.ready, c.waiting = cmd, time.Now(), false, ""
		c.runs++
	}
	c.mu.Unlock()
	if err != nil {
		return 0, err
	}
	c.changed()
	stop := context.AfterFunc(ctx, func() { c.signal(syscall.SIGKILL) })
	err = cmd.Wait()
	stop()
	// A child of the process may hold the pipe open; nobody waits for that one.
	select {
	case <-kept:
	case <-time.After(time.Second):
	}
	code := cmd.ProcessState.ExitCode()
	if status, is := cmd.ProcessState.Sys().(syscall.WaitStatus); is && status.Signaled() {
		code = 128 + int(status.Signal())
	}
	return code, nil
}

// over notes the end of a run, and says whether it was the last.
func (c *container) over(code int, err error, began time.Time) bool {
	defer c.changed()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.process, c.ready = nil, false
	reason := "Completed"
	if code != 0 {
		reason = "Error"
	}
	c.last = &core.ContainerStateTerminated{
		ExitCode: int32(code), Reason: reason, StartedAt: stamp(began), FinishedAt: stamp(time.Now()),
	}
	if err != nil {
		c.last.ExitCode, c.last.Reason, c.last.Message = 128, "StartError", err.Error()
	}
	again := c.policy == core.RestartPolicyAlways || (c.policy == core.RestartPolicyOnFailure && c.last.ExitCode != 0)
	c.finished = c.stopping || !again
	c.waiting = "CrashLoopBackOff"
	return c.finished
}

// signal reaches the process and its children; no error if it doesn't run.
func (c *container) signal(signal syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopping = true
	if c.process != nil {
		_ = syscall.Kill(-c.process.Process.Pid, signal)
	}
}

// startedAt is when the present run began, or zero.
func (c *container) startedAt() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process == nil {
		return time.Time{}
	}
	return c.started
}

func (c *container) setReady(ready bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready = ready && c.process != nil
}

// status is what the API server gets to see.
func (c *container) status() core.ContainerStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	status := core.ContainerStatus{
		Name: c.spec.Name, Image: c.spec.Image, ImageID: c.spec.Image, Ready: c.ready,
		ContainerID: fmt.Sprintf("process://%s-%d", c.spec.Name, c.runs),
	}
	running := c.process != nil
	status.Started = &running
	status.RestartCount = int32(max(0, c.runs-1))
	switch {
	case running:
		status.State.Running = &core.ContainerStateRunning{StartedAt: stamp(c.started)}
	case c.finished:
		status.State.Terminated = c.last
		return status
	default:
		status.State.Waiting = &core.ContainerStateWaiting{Reason: c.waiting}
	}
	if c.last != nil {
		status.LastTerminationState.Terminated = c.last
	}
	return status
}
