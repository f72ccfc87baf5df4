// The client's side of the control socket: `testcluster ctl --dir DIR COMMAND...`.
package control

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"

	"tidegate/testcluster/internal/cluster"
)

// Ctl sends one command, prints its result as a JSON line, and returns the exit code.
func Ctl(args []string) int {
	flags := flag.NewFlagSet("testcluster ctl", flag.ContinueOnError)
	dir := flags.String("dir", "", "the cluster's folder")
	flags.Usage = func() {
		fmt.Fprintf(os.Stderr, "usage: testcluster ctl --dir DIR COMMAND...\n%s\n", Help)
	}
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *dir == "" || flags.NArg() == 0 {
		flags.Usage()
		return 2
	}
	result, err := Send(cluster.Paths{Dir: *dir}.Control(), flags.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "testcluster ctl:", err)
		return 1
	}
	fmt.Println(string(result))
	return 0
}

// Send sends one command and waits for its result.
func Send(socket string, words []string) (json.RawMessage, error) {
	connection, err := net.Dial("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("no cluster answers: %w", err)
	}
	defer connection.Close()
	if err := json.NewEncoder(connection).Encode(words); err != nil {
		return nil, err
	}
	var answer Answer
	if err := json.NewDecoder(connection).Decode(&answer); err != nil {
		return nil, fmt.Errorf("the supervisor went away: %w", err)
	}
	if !answer.OK {
		return nil, errors.New(answer.Error)
	}
	return answer.Result, nil
}
