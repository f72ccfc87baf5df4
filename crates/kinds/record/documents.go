// Discovery and OpenAPI documents, restricted to what is served.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

type kindPath struct {
	group, version, plural string
	subresources           []string
}

func resources() []kindPath {
	var all []kindPath
	for _, line := range served {
		parts := strings.SplitN(line, "/", 3)
		names := strings.Split(parts[2], "+")
		all = append(all, kindPath{parts[0], parts[1], names[0], names[1:]})
	}
	return all
}

// root is the path of a group version.
func (r kindPath) root() string {
	if r.group == "" {
		return "/api/" + r.version
	}
	return "/apis/" + r.group + "/" + r.version
}

func recordDocuments(s *server, folder string) error {
	if err := os.MkdirAll(filepath.Join(folder, "openapi"), 0o755); err != nil {
		return err
	}
	schemas, err := recordOpenAPI(s, folder)
	if err != nil {
		return err
	}
	tables := map[string]any{}
	kinds, err := discovery(s, tables)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(kinds, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "kinds.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	if err := writeDocument(filepath.Join(folder, "columns.json.gz"), tables); err != nil {
		return err
	}
	return writeZipped(filepath.Join(folder, "types.txt.gz"), []byte(types(schemas)))
}

// discovery gives each kind with its subresources, as the lists of resources have them, and adds the columns of its
// table to tables.
func discovery(s *server, tables map[string]any) ([]map[string]any, error) {
	var kinds []map[string]any
	for _, r := range resources() {
		list, err := s.get(r.root())
		if err != nil {
			return nil, err
		}
		found := map[string]map[string]any{}
		for _, entry := range list["resources"].([]any) {
			entry := entry.(map[string]any)
			found[entry["name"].(string)] = entry
		}
		kind := found[r.plural]
		if kind == nil {
			return nil, fmt.Errorf("%s/%s is not served", r.root(), r.plural)
		}
		kind["group"], kind["version"] = r.group, r.version
		subresources := []any{}
		for _, name := range r.subresources {
			subresource := found[r.plural+"/"+name]
			if subresource == nil {
				return nil, fmt.Errorf("%s/%s/%s is not served", r.root(), r.plural, name)
			}
			subresource["name"] = name
			delete(subresource, "singularName")
			delete(subresource, "namespaced")
			if subresource["group"] == nil {
				subresource["group"], subresource["version"] = r.group, r.version
			}
			subresources = append(subresources, subresource)
		}
		kind["subresources"] = subresources
		if kind["storageVersionHash"] != nil {
			if tables[r.root()+"/"+r.plural], err = columns(s, r); err != nil {
				return nil, err
			}
		}
		kinds = append(kinds, kind)
	}
	return kinds, nil
}

// columns gives the columns of a kind's table.
func columns(s *server, r kindPath) (any, error) {
	accept := "application/json;as=Table;v=v1;g=meta.k8s.io"
	response, body, err := s.send("GET", r.root()+"/"+r.plural+"?limit=1", accept, "", nil)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("table of %s: %s", r.plural, response.Status)
	}
	table := struct {
		ColumnDefinitions any `json:"columnDefinitions"`
	}{}
	return table.ColumnDefinitions, json.Unmarshal(body, &table)
}

// recordOpenAPI writes the documents and gives all schemas of version 3, by name.
func recordOpenAPI(s *server, folder string) (map[string]any, error) {
	schemas := map[string]any{}
	names := map[string]bool{"api": true, "apis": true, "version": true, ".well-known/openid-configuration": true, "openid/v1/jwks": true}
	for _, r := range resources() {
		names[strings.TrimPrefix(r.root(), "/")] = true
		if r.group != "" {
			names["apis/"+r.group] = true
		}
	}
	for name := range names {
		document, err := s.get("/openapi/v3/" + name)
		if err != nil {
			return nil, err
		}
		restrictPaths(document)
		components, _ := document["components"].(map[string]any)
		all, _ := components["schemas"].(map[string]any)
		used := map[string]bool{}
		references(document["paths"], all, used)
		for schema := range all {
			if !used[schema] {
				delete(all, schema)
			}
		}
		for schema, value := range all {
			if used[schema] {
				schemas[schema] = value
			}
		}
		file := strings.TrimPrefix(strings.ReplaceAll(name, "/", "_"), ".") + ".json.gz"
		if err := writeDocument(filepath.Join(folder, "openapi", file), document); err != nil {
			return nil, err
		}
	}
	document, err := s.get("/openapi/v2")
	if err != nil {
		return nil, err
	}
	restrictPaths(document)
	all := document["definitions"].(map[string]any)
	used := map[string]bool{}
	references(document["paths"], all, used)
	for schema := range all {
		if !used[schema] {
			delete(all, schema)
		}
	}
	return schemas, writeDocument(filepath.Join(folder, "openapi", "v2.json.gz"), document)
}

// references collects the names of the schemas that a tree uses, and those that they use.
func references(tree any, all map[string]any, used map[string]bool) {
	switch tree := tree.(type) {
	case map[string]any:
		if reference, ok := tree["$ref"].(string); ok {
			name := reference[strings.LastIndex(reference, "/")+1:]
			if !used[name] {
				used[name] = true
				references(all[name], all, used)
			}
		}
		for _, child := range tree {
			references(child, all, used)
		}
	case []any:
		for _, child := range tree {
			references(child, all, used)
		}
	}
}

// restrictPaths drops the paths of what isn't served.
func restrictPaths(document map[string]any) {
	paths := document["paths"].(map[string]any)
	for path := range paths {
		if !servedPath(path) {
			delete(paths, path)
		}
	}
}

func servedPath(path string) bool {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	var group, version string
	var rest []string
	switch {
	case parts[0] == "api" && len(parts) >= 2:
		version, rest = parts[1], parts[2:]
	case parts[0] == "apis" && len(parts) == 2:
		for _, r := range resources() {
			if r.group == parts[1] {
				return true
			}
		}
		return false
	case parts[0] == "apis" && len(parts) >= 3:
		group, version, rest = parts[1], parts[2], parts[3:]
	default:
		return path == "/api/" || path == "/apis/" || path == "/version/" || strings.HasPrefix(path, "/.well-known") || strings.HasPrefix(path, "/openid")
	}
	if len(rest) > 0 && rest[0] == "watch" {
		rest = rest[1:]
	}
	if len(rest) > 2 && rest[0] == "namespaces" && rest[1] == "{namespace}" {
		rest = rest[2:]
	}
	for _, r := range resources() {
		if r.group != group || r.version != version {
			continue
		}
		if len(rest) == 0 || len(rest) <= 2 && rest[0] == r.plural {
			return true
		}
		for _, subresource := range r.subresources {
			if len(rest) == 3 && rest[0] == r.plural && rest[2] == subresource {
				return true
			}
		}
	}
	return false
}

func writeDocument(file string, document any) error {
	text := &bytes.Buffer{}
	encoder := json.NewEncoder(text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return err
	}
	return writeZipped(file, bytes.TrimRight(text.Bytes(), "\n"))
}

func writeZipped(file string, content []byte) error {
	text := &bytes.Buffer{}
	writer, err := gzip.NewWriterLevel(text, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := writer.Write(content); err != nil {
		return err
	}
	if err := writer.Close(); err != nil {
		return err
	}
	return os.WriteFile(file, text.Bytes(), 0o644)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
