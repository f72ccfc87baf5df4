// What the server answers to objects that are sent to it.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"sigs.k8s.io/yaml"
)

// namespace is where the objects are made.
const namespace = "kinds-answers"

// testCase is one document of a file of cases.
type testCase struct {
	// Case names it.
	Case string `json:"case"`
	// Resource is group/version/plural.
	Resource string `json:"resource"`
	Object   any    `json:"object"`
	// Text is sent as it is, where there is no Object.
	Text string `json:"text"`
	// Changes are merge patches; each is put on what was created.
	Changes []change `json:"changes"`
}

type change struct {
	Subresource string `json:"subresource"`
	Patch       any    `json:"patch"`
}

// answer is a case with what the server said.
type answer struct {
	Case     string          `json:"case"`
	Group    string          `json:"group"`
	Version  string          `json:"version"`
	Plural   string          `json:"plural"`
	Input    json.RawMessage `json:"input"`
	Code     int             `json:"code"`
	Warnings []string        `json:"warnings,omitempty"`
	Output   json.RawMessage `json:"output"`
	Row      *row            `json:"row,omitempty"`
	Changes  []changeAnswer  `json:"changes,omitempty"`
}

type row struct {
	Now    int64           `json:"now"`
	Object json.RawMessage `json:"object"`
	Cells  json.RawMessage `json:"cells"`
}

type changeAnswer struct {
	Subresource string          `json:"subresource,omitempty"`
	Old         json.RawMessage `json:"old"`
	Input       json.RawMessage `json:"input"`
	Code        int             `json:"code"`
	Output      json.RawMessage `json:"output"`
}

func recordAnswers(s *server, folder string) error {
	body := []byte(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"` + namespace + `"}}`)
	if _, _, err := s.send("POST", "/api/v1/namespaces", "application/json", "application/json", body); err != nil {
		return err
	}
	if err := waitForAccount(s); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := recordFile(s, file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

func waitForAccount(s *server) error {
	for range 100 {
		if _, err := s.get("/api/v1/namespaces/" + namespace + "/serviceaccounts/default"); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("namespace %s has no service account", namespace)
}

func recordFile(s *server, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	lines := &bytes.Buffer{}
	for _, document := range strings.Split(string(text), "\n---\n") {
		one := testCase{}
		if err := yaml.Unmarshal([]byte(document), &one); err != nil {
			return err
		}
		if one.Case == "" {
			continue
		}
		recorded, err := one.record(s)
		if err != nil {
			return fmt.Errorf("%s: %w", one.Case, err)
		}
		line, err := json.Marshal(recorded)
		if err != nil {
			return err
		}
		lines.Write(append(line, '\n'))
	}
	return os.WriteFile(strings.TrimSuffix(file, ".yaml")+".jsonl", lines.Bytes(), 0o644)
}

func (c *testCase) record(s *server) (*answer, error) {
	parts := strings.SplitN(c.Resource, "/", 3)
	where := kindPath{parts[0], parts[1], parts[2], nil}
	list, err := s.get(where.root())
	if err != nil {
		return nil, err
	}
	collection := where.root() + "/" + where.plural
	for _, entry := range list["resources"].([]any) {
		entry := entry.(map[string]any)
		if entry["name"] == where.plural && entry["namespaced"] == true {
			collection = where.root() + "/namespaces/" + namespace + "/" + where.plural
		}
	}
	input := []byte(c.Text)
	if c.Object != nil {
		if input, err = json.Marshal(c.Object); err != nil {
			return nil, err
		}
	}
	response, output, err := s.send("POST", collection, "application/json", "application/json", input)
	if err != nil {
		return nil, err
	}
	recorded := &answer{
		Case: c.Case, Group: where.group, Version: where.version, Plural: where.plural,
		Input: raw(input), Code: response.StatusCode, Warnings: response.Header.Values("Warning"), Output: bare(output),
	}
	if response.StatusCode != http.StatusCreated {
		return recorded, nil
	}
	created := struct {
		Metadata struct{ Name string }
	}{}
	if err := json.Unmarshal(output, &created); err != nil || created.Metadata.Name == "" {
		return recorded, err
	}
	path := collection + "/" + created.Metadata.Name
	defer func() { _, _, _ = s.send("DELETE", path+"?gracePeriodSeconds=0", "application/json", "", nil) }()
	for _, change := range c.Changes {
		changed, err := change.record(s, path)
		if err != nil {
			return nil, err
		}
		recorded.Changes = append(recorded.Changes, *changed)
	}
	recorded.Row, err = tableRow(s, path)
	return recorded, err
}

// raw keeps what is JSON, and makes a text of what isn't.
func raw(text []byte) json.RawMessage {
	if json.Valid(text) {
		return text
	}
	quoted, _ := json.Marshal(string(text))
	return quoted
}

// bare drops the owners of fields, which no test looks at.
func bare(text []byte) json.RawMessage {
	object := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil {
		return raw(text)
	}
	if meta, ok := object["metadata"].(map[string]any); ok {
		delete(meta, "managedFields")
	}
	kept, _ := json.Marshal(object)
	return kept
}

func (c *change) record(s *server, path string) (*changeAnswer, error) {
	patch, err := json.Marshal(c.Patch)
	if err != nil {
		return nil, err
	}
	for range 20 {
		_, old, err := s.send("GET", path, "application/json", "", nil)
		if err != nil {
			return nil, err
		}
		old = bare(old)
		input, err := jsonpatch.MergePatch(old, patch)
		if err != nil {
			return nil, err
		}
		target := path
		if c.Subresource != "" {
			target += "/" + c.Subresource
		}
		response, output, err := s.send("PUT", target, "application/json", "application/json", input)
		if err != nil {
			return nil, err
		}
		if response.StatusCode == http.StatusConflict {
			continue
		}
		return &changeAnswer{c.Subresource, old, input, response.StatusCode, bare(output)}, nil
	}
	return nil, fmt.Errorf("%s changes all the time", path)
}

func tableRow(s *server, path string) (*row, error) {
	accept := "application/json;as=Table;v=v1;g=meta.k8s.io"
	response, body, err := s.send("GET", path+"?includeObject=Object", accept, "", nil)
	if err != nil || response.StatusCode != http.StatusOK {
		return nil, err
	}
	table := struct {
		Rows []struct {
			Cells  json.RawMessage
			Object json.RawMessage
		}
	}{}
	if err := json.Unmarshal(body, &table); err != nil || len(table.Rows) == 0 {
		return nil, err
	}
	return &row{time.Now().Unix(), bare(table.Rows[0].Object), table.Rows[0].Cells}, nil
}
