// Starts child processes that cannot outlive this one.
//
// Linux sends the death signal when the *thread* that forked the child ends, not the process. So
// every child is forked from one goroutine that owns its thread and never returns.
package cluster

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// selfExe runs this very binary again, even after its file was replaced or deleted.
const selfExe = "/proc/self/exe"

type spawnRequest struct {
	cmd  *exec.Cmd
	done chan error
}

var spawnRequests = sync.OnceValue(func() chan spawnRequest {
	requests := make(chan spawnRequest)
	go func() {
		runtime.LockOSThread() // never unlocked: see the file's header
		for request := range requests {
			request.done <- request.cmd.Start()
		}
	}()
	return requests
})

// spawn starts cmd so that the kernel kills it when this process dies, however it dies.
func spawn(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:   true, // a ^C in the terminal reaches the supervisor only
		Pdeathsig: syscall.SIGKILL,
	}
	done := make(chan error)
	spawnRequests() <- spawnRequest{cmd: cmd, done: done}
	return <-done
}
