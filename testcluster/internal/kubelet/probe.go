// Readiness: by the container's own probe, and where it has none, by what it listens on.
//
// A real kubelet calls a container without a probe ready as soon as it runs. Here it must listen, too:
// on its declared TCP ports, else on anything. After a little while it counts as ready all the same.
package kubelet

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const (
	probeInterval  = 20 * time.Millisecond
	listenPatience = 2 * time.Second
)

// isReady asks once.
func isReady(ctx context.Context, spec *core.Container, in *sandbox, started time.Time) bool {
	if probe := spec.ReadinessProbe; probe != nil {
		return probeOnce(ctx, probe, spec, in.address.String())
	}
	return listens(spec, in) || time.Since(started) > listenPatience
}

// probeOnce knows httpGet and tcpSocket; what it doesn't know is never ready.
func probeOnce(ctx context.Context, probe *core.Probe, spec *core.Container, address string) bool {
	patience := time.Duration(max(1, probe.TimeoutSeconds)) * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	switch {
	case probe.TCPSocket != nil:
		target := net.JoinHostPort(address, portNumber(probe.TCPSocket.Port, spec))
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", target)
		if err != nil {
			return false
		}
		connection.Close()
		return true
	case probe.HTTPGet != nil:
		return httpGet(ctx, probe.HTTPGet, net.JoinHostPort(address, portNumber(probe.HTTPGet.Port, spec)))
	}
	return false
}

var probeClient = &http.Client{
	Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // as a kubelet does
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func httpGet(ctx context.Context, get *core.HTTPGetAction, target string) bool {
	scheme := strings.ToLower(string(get.Scheme))
	if scheme == "" {
		scheme = "http"
	}
	url := fmt.Sprintf("%s://%s/%s", scheme, target, strings.TrimPrefix(get.Path, "/"))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	for _, header := range get.HTTPHeaders {
		request.Header.Add(header.Name, header.Value)
	}
	response, err := probeClient.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode >= 200 && response.StatusCode < 400
}

func portNumber(port intstr.IntOrString, spec *core.Container) string {
	for _, declared := range spec.Ports {
		if port.Type == intstr.String && declared.Name == port.StrVal {
			return strconv.Itoa(int(declared.ContainerPort))
		}
	}
	return port.String()
}

func listens(spec *core.Container, in *sandbox) bool {
	open := listening(in.holder.Process.Pid)
	declared := false
	for _, port := range spec.Ports {
		if port.Protocol == core.ProtocolTCP || port.Protocol == "" {
			declared = true
			if !open["tcp"][int(port.ContainerPort)] {
				return false
			}
		}
	}
	return declared || len(open["tcp"])+len(open["udp"]) > 0
}

// listening reads the kernel's tables of the network namespace that the process is in.
func listening(pid int) map[string]map[int]bool {
	const stateListen = "0A"
	found := map[string]map[int]bool{"tcp": {}, "udp": {}}
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		file, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			continue
		}
		kind := strings.TrimSuffix(table, "6")
		for lines := bufio.NewScanner(file); lines.Scan(); {
			fields := strings.Fields(lines.Text())
			if len(fields) < 4 || (kind == "tcp" && fields[3] != stateListen) {
				continue
			}
			_, hex, _ := strings.Cut(fields[1], ":")
			if port, err := strconv.ParseInt(hex, 16, 32); err == nil {
				found[kind][int(port)] = true
			}
		}
		file.Close()
	}
	return found
}
