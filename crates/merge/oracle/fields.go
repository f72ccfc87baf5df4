// FieldsV1 and OpenAPI documents.

package main

import (
	"encoding/json"
	"os"
	"strings"

	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// fields reads a FieldsV1, writes it again, and lists its paths.
func fields(text string) answer {
	set := &fieldpath.Set{}
	if err := set.FromJSON(strings.NewReader(text)); err != nil {
		return answer{Code: 500, Message: err.Error()}
	}
	written, err := set.ToJSON()
	must(err)
	a := answer{Value: json.RawMessage(written)}
	set.Iterate(func(path fieldpath.Path) { a.Paths = append(a.Paths, path.String()) })
	return a
}

// read reads components.schemas of a document.
func read(name string) map[string]*spec.Schema {
	text, err := os.ReadFile(name)
	must(err)
	var schemas map[string]*spec.Schema
	must(json.Unmarshal(text, &schemas))
	return schemas
}
