// Users who authenticate with a static token, and the table in which the API server finds them.
//
// The API server reads the table only when it starts: a rotated token changes nothing before that.
package cluster

import (
	"bytes"
	"crypto/rand"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// The users that every cluster has.
const (
	UserAdmin    = "admin"    // may do everything
	UserRotating = "rotating" // may do everything; its kubeconfig reads the token from a file
	UserViewer   = "viewer"   // holds the ClusterRole `view`
	UserNobody   = "nobody"   // is known, and may do next to nothing
)

const (
	groupMasters = "system:masters"
	groupViewers = "testcluster:viewers"
)

// Users is the table of static tokens.
type Users struct {
	mu   sync.Mutex
	rows []userRow
}

type userRow struct {
	name, token string
	groups      []string
}

// NewUsers makes tokens for the users that every cluster has.
func NewUsers() *Users {
	users := &Users{}
	users.Rotate(UserAdmin, []string{groupMasters})
	users.Rotate(UserRotating, []string{groupMasters})
	users.Rotate(UserViewer, []string{groupViewers})
	users.Rotate(UserNobody, nil)
	return users
}

// Rotate gives the user a new token in place of the old one, or makes the user. Without groups, a
// known user keeps those it has. Save must follow.
func (u *Users) Rotate(name string, groups []string) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	token := newToken()
	i := u.index(name)
	if i < 0 {
		u.rows = append(u.rows, userRow{name: name, token: token, groups: groups})
		return token
	}
	u.rows[i].token = token
	if len(groups) > 0 {
		u.rows[i].groups = groups
	}
	return token
}

// Token is the user's present token.
func (u *Users) Token(name string) (string, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if i := u.index(name); i >= 0 {
		return u.rows[i].token, true
	}
	return "", false
}

// Names lists the users.
func (u *Users) Names() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	var names []string
	for _, row := range u.rows {
		names = append(names, row.name)
	}
	return names
}

// Save writes the table, and one file per user with nothing but the token.
func (u *Users) Save(paths Paths) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	var table bytes.Buffer
	writer := csv.NewWriter(&table)
	files := map[string][]byte{}
	for _, row := range u.rows {
		record := []string{row.token, row.name, "uid-" + row.name}
		if len(row.groups) > 0 { // an empty column would be a group without a name
			record = append(record, strings.Join(row.groups, ","))
		}
		if err := writer.Write(record); err != nil {
			return fmt.Errorf("token table: %w", err)
		}
		files[paths.Token(row.name)] = []byte(row.token)
	}
	writer.Flush()
	files[paths.TokenTable()] = table.Bytes()
	return writeFiles(files)
}

// index must be called with the lock held.
func (u *Users) index(name string) int {
	return slices.IndexFunc(u.rows, func(row userRow) bool { return row.name == name })
}

func newToken() string {
	var raw [24]byte
	rand.Read(raw[:]) // never fails: it ends the program instead
	return hex.EncodeToString(raw[:])
}
