// Package spawn starts child processes that cannot outlive this one.
//
// Linux sends the death signal when the *thread* that forked the child ends, not the process. So
// every child is forked from one goroutine that owns its thread and never returns.
package spawn

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// SelfExe runs this very binary again, even after its file was replaced or deleted.
const SelfExe = "/proc/self/exe"

type request struct {
	cmd  *exec.Cmd
	done chan error
}

var requests = sync.OnceValue(func() chan request {
	queue := make(chan request)
	go func() {
		runtime.LockOSThread() // never unlocked: see the file's header
		for next := range queue {
			next.done <- next.cmd.Start()
		}
	}()
	return queue
})

// Start starts cmd so that the kernel kills it when this process dies, however it dies. What the
// caller set in SysProcAttr stays.
func Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true // a ^C in the terminal reaches the supervisor only
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	done := make(chan error)
	requests() <- request{cmd: cmd, done: done}
	return <-done
}
