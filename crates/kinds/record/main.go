// Records what a real kube-apiserver says of the kinds that Tidegate serves, and what their Go types are.
//
//	go run . documents KUBECONFIG-SERVER TOKEN ../data
//	go run . answers   KUBECONFIG-SERVER TOKEN ../tests/answers
//
// `documents` writes kinds.json (discovery), columns.json.gz (tables), openapi/*.json.gz and types.txt.gz. `answers` sends the objects of
// ../tests/answers/*.yaml as dry runs and writes the answers beside them.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: record documents|answers SERVER TOKEN FOLDER")
		os.Exit(2)
	}
	server := &server{url: os.Args[2], token: os.Args[3]}
	var err error
	switch os.Args[1] {
	case "documents":
		err = recordDocuments(server, os.Args[4])
	case "answers":
		err = recordAnswers(server, os.Args[4])
	default:
		err = fmt.Errorf("unknown word %q", os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}
