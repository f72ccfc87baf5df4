// The layout of a cluster's folder: every file of it is named here and nowhere else.
package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// Paths names the files of the cluster in one folder.
type Paths struct{ Dir string }

// CA is the certificate that signs the API server's and the clients' certificates.
func (p Paths) CA() string { return filepath.Join(p.Dir, "pki", "ca.crt") }

// CAKey is the CA's private key.
func (p Paths) CAKey() string { return filepath.Join(p.Dir, "pki", "ca.key") }

// ServerCert is the API server's serving certificate.
func (p Paths) ServerCert() string { return filepath.Join(p.Dir, "pki", "apiserver.crt") }

// ServerKey is the key of the API server's serving certificate.
func (p Paths) ServerKey() string { return filepath.Join(p.Dir, "pki", "apiserver.key") }

// ServiceAccountKey signs service-account tokens.
func (p Paths) ServiceAccountKey() string { return filepath.Join(p.Dir, "pki", "sa.key") }

// ClientCert is a minted client certificate; the key lies beside it.
func (p Paths) ClientCert(user string) string {
	return filepath.Join(p.Dir, "clients", fileName(user)+".crt")
}

// ClientKey is the key of a minted client certificate.
func (p Paths) ClientKey(user string) string {
	return filepath.Join(p.Dir, "clients", fileName(user)+".key")
}

// TokenTable is the API server's --token-auth-file.
func (p Paths) TokenTable() string { return filepath.Join(p.Dir, "tokens", "table.csv") }

// Token is a file with nothing but the user's present token.
func (p Paths) Token(user string) string {
	return filepath.Join(p.Dir, "tokens", fileName(user)+".token")
}

// Kubeconfig is the kubeconfig called name.
func (p Paths) Kubeconfig(name string) string {
	return filepath.Join(p.Dir, fileName(name)+".kubeconfig")
}

// Log is the log of one component.
func (p Paths) Log(component string) string {
	return filepath.Join(p.Dir, "logs", component+".log")
}

// AuditPolicy tells the API server what to audit.
func (p Paths) AuditPolicy() string { return filepath.Join(p.Dir, "audit-policy.yaml") }

// AuditLog has one JSON line per request.
func (p Paths) AuditLog() string { return filepath.Join(p.Dir, "logs", "audit.log") }

// EtcdData is etcd's data folder.
func (p Paths) EtcdData() string { return filepath.Join(p.Dir, "etcd") }

// Kubelet is the folder of the pods' volumes and logs.
func (p Paths) Kubelet() string { return filepath.Join(p.Dir, "kubelet") }

// Control is the socket that `testcluster ctl` talks to.
func (p Paths) Control() string { return filepath.Join(p.Dir, "control.sock") }

// marker says that the folder is ours, so that we may empty it.
func (p Paths) marker() string { return filepath.Join(p.Dir, "testcluster-folder") }

// socketPathMax is the longest path of a unix socket on Linux.
const socketPathMax = 107

// Prepare makes the folder new: it must be absent, empty, or the left-over of an earlier cluster.
func (p Paths) Prepare() error {
	if len(p.Control()) > socketPathMax {
		return fmt.Errorf("%s is too long a path for a unix socket (limit %d bytes): choose a shorter --dir", p.Control(), socketPathMax)
	}
	if connection, err := net.Dial("unix", p.Control()); err == nil {
		connection.Close()
		return fmt.Errorf("a cluster runs in %s already", p.Dir)
	}
	if err := os.MkdirAll(p.Dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(p.Dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		if _, err := os.Stat(p.marker()); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is not empty and not a test cluster's folder", p.Dir)
		}
	}
	for _, entry := range entries {
		if err := os.RemoveAll(filepath.Join(p.Dir, entry.Name())); err != nil {
			return err
		}
	}
	if err := os.WriteFile(p.marker(), []byte("emptied by the next `testcluster up` in here\n"), 0o600); err != nil {
		return err
	}
	for _, sub := range []string{"pki", "clients", "tokens", "logs"} {
		if err := os.Mkdir(filepath.Join(p.Dir, sub), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// fileName makes a user's name (which may hold colons or slashes) safe as a file's name.
func fileName(name string) string {
	safe := []rune(name)
	for i, r := range safe {
		if r == '/' || r == ':' || r == os.PathSeparator {
			safe[i] = '_'
		}
	}
	return string(safe)
}
