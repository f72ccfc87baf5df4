// managedFields as the API server writes them: field sets derived from the
// object itself, one entry per writer (controller, CNI plugin, kubelet).
package objects

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// manager is one writer: which top-level parts and annotations are its own.
type manager struct {
	name, subresource string
	parts             []string
	annotations       func(key string) bool
	changed           bool
}

func isNetwork(key string) bool { return strings.HasPrefix(key, "cni.") }

var podManagers = []manager{
	{name: "kube-controller-manager", parts: []string{"metadata", "spec"}, annotations: func(key string) bool { return !isNetwork(key) && key != Timestamp }},
	{name: "calico", subresource: "status", parts: []string{"metadata"}, annotations: isNetwork},
	{name: "kubelet", subresource: "status", parts: []string{"status"}, changed: true},
}

var otherManagers = []manager{
	{name: "helm", parts: []string{"metadata", "spec"}, annotations: func(key string) bool { return key != Timestamp }},
	{name: "kube-controller-manager", subresource: "status", parts: []string{"status", "endpoints", "ports", "addressType"}, changed: true},
}

// managedFields returns the entries of `object`.
func managedFields(object metav1.Object, managers []manager, apiVersion string) ([]metav1.ManagedFieldsEntry, error) {
	raw, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("encode for managedFields: %w", err)
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return nil, fmt.Errorf("decode for managedFields: %w", err)
	}
	var entries []metav1.ManagedFieldsEntry
	for _, m := range managers {
		set := m.fields(tree)
		if len(set) == 0 {
			continue
		}
		fields, err := json.Marshal(set)
		if err != nil {
			return nil, fmt.Errorf("encode managedFields: %w", err)
		}
		at := object.GetCreationTimestamp()
		if m.changed {
			at = metav1.NewTime(timeMark)
		}
		entries = append(entries, metav1.ManagedFieldsEntry{
			Manager: m.name, Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: apiVersion, Time: &at,
			FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(string(fields)), Subresource: m.subresource,
		})
	}
	return entries, nil
}

// forSibling adapts entries to another Pod of the same owner: only the key of `podIPs` differs.
func forSibling(entries []metav1.ManagedFieldsEntry, created metav1.Time, oldIP, newIP string) []metav1.ManagedFieldsEntry {
	out := slices.Clone(entries)
	for i := range out {
		if !out[i].Time.Time.Equal(timeMark) {
			out[i].Time = &created
		}
		text := out[i].FieldsV1.GetRawString()
		if strings.Contains(text, oldIP) {
			out[i].FieldsV1 = metav1.NewFieldsV1(strings.ReplaceAll(text, oldIP, newIP))
		}
	}
	return out
}

func (m *manager) fields(tree map[string]any) map[string]any {
	out := map[string]any{}
	for _, part := range m.parts {
		value, ok := tree[part]
		if !ok {
			continue
		}
		if part == "metadata" {
			value = m.metadata(value.(map[string]any))
		}
		out["f:"+part] = fieldSet(value)
	}
	return out
}

// metadata keeps what a writer can own; the rest of it belongs to the server.
func (m *manager) metadata(meta map[string]any) map[string]any {
	out := map[string]any{}
	if annotations, ok := meta["annotations"].(map[string]any); ok {
		own := map[string]any{}
		for key, value := range annotations {
			if m.annotations(key) {
				own[key] = value
			}
		}
		out["annotations"] = own
	}
	if m.subresource == "" {
		for _, key := range []string{"generateName", "labels", "ownerReferences"} {
			if value, ok := meta[key]; ok {
				out[key] = value
			}
		}
	}
	return out
}

// listKeys are the merge keys of list fields, most telling first.
var listKeys = [][]string{{"containerPort", "protocol"}, {"mountPath"}, {"uid"}, {"name"}, {"type"}, {"ip"}, {"topologyKey", "whenUnsatisfiable"}}

// atomicLists are owned as a whole although their items have names.
var atomicLists = []string{"containerStatuses", "initContainerStatuses", "hostIPs", "tolerations", "endpoints"}

func fieldSet(value any) map[string]any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, child := range v {
			if slices.Contains(atomicLists, key) {
				child = nil
			}
			out["f:"+key] = fieldSet(child)
		}
		return out
	case []any:
		return listSet(v)
	default:
		return map[string]any{}
	}
}

func listSet(items []any) map[string]any {
	out := map[string]any{}
	for _, item := range items {
		object, ok := item.(map[string]any)
		if !ok {
			return map[string]any{}
		}
		if addedByAdmission(object) {
			continue
		}
		keys := mergeKeys(object)
		if keys == nil {
			return map[string]any{}
		}
		parts := make([]string, 0, len(keys))
		for _, key := range keys {
			encoded, _ := json.Marshal(object[key])
			parts = append(parts, fmt.Sprintf("%q:%s", key, encoded))
		}
		set := fieldSet(object)
		set["."] = map[string]any{}
		out["k:{"+strings.Join(parts, ",")+"}"] = set
	}
	out["."] = map[string]any{}
	return out
}

// addedByAdmission tells the service account token, which appears after ownership was recorded.
func addedByAdmission(item map[string]any) bool {
	name, _ := item["name"].(string)
	return strings.HasPrefix(name, tokenPrefix)
}

func mergeKeys(object map[string]any) []string {
	for _, keys := range listKeys {
		if !slices.ContainsFunc(keys, func(key string) bool { _, ok := object[key]; return !ok }) {
			return keys
		}
	}
	return nil
}
