// The pods' network: a bridge, and for each pod a network namespace with one end of a veth pair.
//
// Addresses are handed out in order and come back only after a full round, so that nobody talks to a
// new pod by an old pod's address. The `ip` command does the work; nothing here outlives the namespace
// that this process is in.
package kubelet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"sync"
	"syscall"

	"tidegate/testcluster/internal/spawn"
)

const bridgeName = "pods0"

type network struct {
	prefix netip.Prefix
	bridge netip.Addr

	mu   sync.Mutex
	last netip.Addr
	used map[netip.Addr]bool
	made int // sandboxes so far, for the next one's name
}

func newNetwork(prefix netip.Prefix) (*network, error) {
	bridge := prefix.Addr().Next()
	n := &network{prefix: prefix, bridge: bridge, last: bridge, used: map[netip.Addr]bool{bridge: true}}
	// A left-over of a kubelet before this one. That it isn't there is no error.
	_ = ip(context.Background(), nil, "link del "+bridgeName)
	err := ip(context.Background(), nil,
		"link add "+bridgeName+" type bridge",
		fmt.Sprintf("addr add %s/%d dev %s", bridge, prefix.Bits(), bridgeName),
		"link set "+bridgeName+" up",
		"link set lo up")
	if err != nil {
		return nil, fmt.Errorf("make the pods' bridge: %w", err)
	}
	return n, nil
}

// take reserves an address that was free longest.
func (n *network) take() (netip.Addr, int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for range 1 << (32 - n.prefix.Bits()) {
		n.last = n.last.Next()
		if !n.prefix.Contains(n.last.Next()) { // the last one is for broadcasts
			n.last = n.bridge
			continue
		}
		if !n.used[n.last] {
			n.used[n.last] = true
			n.made++
			return n.last, n.made, nil
		}
	}
	return netip.Addr{}, 0, errors.New("no address is left for a pod")
}

func (n *network) free(address netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.used, address)
}

// sandbox is the network namespace of one pod. A sleeping process holds it.
type sandbox struct {
	network *network
	address netip.Addr
	holder  *exec.Cmd
}

func (n *network) sandbox(ctx context.Context) (*sandbox, error) {
	address, number, err := n.take()
	if err != nil {
		return nil, err
	}
	holder := exec.Command("sleep", "infinity")
	holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if err := spawn.Start(holder); err != nil {
		n.free(address)
		return nil, fmt.Errorf("make a network namespace: %w", err)
	}
	s := &sandbox{network: n, address: address, holder: holder}
	veth := fmt.Sprintf("pod%d", number)
	err = ip(ctx, nil,
		fmt.Sprintf("link add %s type veth peer name eth0 netns %d", veth, holder.Process.Pid),
		fmt.Sprintf("link set %s master %s up", veth, bridgeName))
	if err == nil {
		err = ip(ctx, s.enter(),
			"link set lo up",
			fmt.Sprintf("addr add %s/%d dev eth0", address, n.prefix.Bits()),
			"link set eth0 up",
			fmt.Sprintf("route add default via %s", n.bridge))
	}
	if err != nil {
		s.remove()
		return nil, fmt.Errorf("connect a pod's network: %w", err)
	}
	return s, nil
}

// enter is the beginning of a command line that runs inside.
func (s *sandbox) enter() []string {
	return []string{"nsenter", fmt.Sprintf("--net=/proc/%d/ns/net", s.holder.Process.Pid), "--"}
}

// remove ends the holder; with the last process, the namespace and its veth pair go.
func (s *sandbox) remove() {
	_ = s.holder.Process.Kill()
	_ = s.holder.Wait()
	s.network.free(s.address)
}

// ip runs commands of `ip`, each one a line, behind the words of prefix.
func ip(ctx context.Context, prefix []string, commands ...string) error {
	words := append(append([]string{}, prefix...), "ip", "-batch", "-")
	command := exec.CommandContext(ctx, words[0], words[1:]...)
	command.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(commands, "; "), err, bytes.TrimSpace(output))
	}
	return nil
}
