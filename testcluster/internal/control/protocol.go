// The control protocol: one JSON array of words in, one JSON line out, over a unix socket.
//
// The words are those of a command line, so `testcluster ctl` and the Rust fixture need no library.
package control

import "encoding/json"

// Answer is what the supervisor says to one command.
type Answer struct {
	OK     bool            `json:"ok"`
	Error  string          `json:"error,omitempty"` // set unless OK
	Result json.RawMessage `json:"result,omitempty"`
}

// Status describes the cluster: printed once when it is up, and the answer to `status`.
type Status struct {
	Dir         string            `json:"dir"`
	Server      string            `json:"server"`
	Etcd        string            `json:"etcd"`
	Kubeconfig  string            `json:"kubeconfig"`  // the admin's
	Kubeconfigs map[string]string `json:"kubeconfigs"` // by user
	CA          string            `json:"ca"`          // path of the PEM file
	Token       string            `json:"token"`       // the admin's
	Tokens      map[string]string `json:"tokens"`      // by user
	Control     string            `json:"control"`     // path of the control socket
	AuditLog    string            `json:"audit_log,omitempty"`
	Pids        map[string]int    `json:"pids"` // of what runs now
	StartedMS   int64             `json:"started_ms"`
}
