// Picks loopback ports for servers that must keep theirs across restarts.
//
// They lie below the kernel's range for outgoing connections, so that no client socket can sit on
// a server's port while that server is down.
package cluster

import (
	"fmt"
	"math/rand/v2"
	"net"
)

const (
	portMin = 18000
	portMax = 32000 // Linux hands out 32768 and above
)

// freePorts returns count different ports that nobody listens on right now.
func freePorts(count int) ([]int, error) {
	const attempts = 500
	var ports []int
	for range attempts {
		if len(ports) == count {
			return ports, nil
		}
		port := portMin + rand.IntN(portMax-portMin)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer listener.Close() // held until all are found, so no port comes twice
		ports = append(ports, port)
	}
	return nil, fmt.Errorf("found only %d of %d free ports in %d..%d", len(ports), count, portMin, portMax)
}
