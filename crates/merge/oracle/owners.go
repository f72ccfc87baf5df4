// Sequences of writes, through apimachinery's field manager as kube-apiserver sets it up.

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// owners is a sequence of writes to one object.
type owners struct {
	// A file with components.schemas of an OpenAPI v3 document; none is a kind without a schema.
	Schemas string `json:"schemas"`
	Kind    string `json:"kind"`
	// The API versions that are served. Steps name one of them.
	Versions []string          `json:"versions"`
	Builtin  bool              `json:"builtin"`
	Reset    map[string]string `json:"reset"`
	Live     json.RawMessage   `json:"live"`
	Steps    []step            `json:"steps"`
}

type step struct {
	Do          string          `json:"do"`
	Manager     string          `json:"manager"`
	Version     string          `json:"version"`
	Subresource string          `json:"subresource"`
	Force       bool            `json:"force"`
	Now         int64           `json:"now"`
	Object      json.RawMessage `json:"object"`
}

var documents = map[string]managedfields.TypeConverter{}

func (o *owners) converter() managedfields.TypeConverter {
	if o.Schemas == "" {
		return managedfields.NewDeducedTypeConverter()
	}
	if documents[o.Schemas] == nil {
		c, err := managedfields.NewTypeConverter(read(o.Schemas), false)
		must(err)
		documents[o.Schemas] = c
	}
	return documents[o.Schemas]
}

func (o *owners) run() answer {
	types := o.converter()
	filter := map[fieldpath.APIVersion]fieldpath.Filter{}
	for version, text := range o.Reset {
		set := &fieldpath.Set{}
		must(set.FromJSON(strings.NewReader(text)))
		filter[fieldpath.APIVersion(version)] = fieldpath.NewExcludeSetFilter(set)
	}
	world := &world{o}
	live := map[string]any{}
	if o.Live != nil {
		live = tree(o.Live)
	}
	var out answer
	for _, s := range o.Steps {
		gv, err := schema.ParseGroupVersion(s.Version)
		must(err)
		gvk := gv.WithKind(o.Kind)
		hub := gv
		manager, err := managedfields.NewDefaultCRDFieldManager(types, world, world, world, gvk, hub, s.Subresource, filter)
		must(err)
		var liveObject runtime.Object
		if len(live) == 0 {
			liveObject, err = world.New(gvk)
			must(err)
		} else {
			live["apiVersion"] = s.Version
			liveObject = world.object(live, gvk)
		}
		var result runtime.Object
		if s.Do == "apply" {
			result, err = manager.Apply(liveObject, &unstructured.Unstructured{Object: tree(s.Object)}, s.Manager, s.Force)
		} else {
			result = manager.UpdateNoErrors(liveObject, world.object(tree(s.Object), gvk), s.Manager)
		}
		if err != nil {
			out.Steps = append(out.Steps, refuse(err))
			continue
		}
		live = plain(settle(result, s.Now))
		out.Steps = append(out.Steps, answer{Value: live})
		text, err := json.Marshal(live)
		must(err)
		live = tree(text)
	}
	return out
}

// settle replaces the time of now by that of the step, and gives the object an identity.
func settle(object runtime.Object, now int64) runtime.Object {
	accessor, err := meta.Accessor(object)
	must(err)
	entries := accessor.GetManagedFields()
	for i, entry := range entries {
		if entry.Time != nil && time.Since(entry.Time.Time) < 24*time.Hour {
			t := metav1.Unix(now, 0)
			entries[i].Time = &t
		}
	}
	accessor.SetManagedFields(entries)
	if accessor.GetUID() == "" {
		accessor.SetUID("u")
	}
	return object
}

func plain(object runtime.Object) map[string]any {
	if u, ok := object.(*unstructured.Unstructured); ok {
		return u.Object
	}
	m, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	must(err)
	return m
}

// tree reads numbers as Kubernetes does.
func tree(text json.RawMessage) map[string]any {
	m, ok := parsed(text).(map[string]any)
	if !ok {
		panic("no object")
	}
	return m
}

// world makes and converts objects: structs for built-in kinds, else trees with another apiVersion.
type world struct{ o *owners }

func (w *world) object(m map[string]any, gvk schema.GroupVersionKind) runtime.Object {
	if !w.o.Builtin {
		return &unstructured.Unstructured{Object: m}
	}
	object, err := scheme.Scheme.New(gvk)
	must(err)
	must(runtime.DefaultUnstructuredConverter.FromUnstructured(m, object))
	object.GetObjectKind().SetGroupVersionKind(gvk)
	return object
}

func (w *world) New(gvk schema.GroupVersionKind) (runtime.Object, error) {
	return w.object(map[string]any{"apiVersion": gvk.GroupVersion().String(), "kind": gvk.Kind}, gvk), nil
}

func (w *world) Default(runtime.Object) {}

func (w *world) Convert(_, _, _ any) error { return fmt.Errorf("not here") }

func (w *world) ConvertFieldLabel(schema.GroupVersionKind, string, string) (string, string, error) {
	return "", "", fmt.Errorf("not here")
}

func (w *world) ConvertToVersion(in runtime.Object, to runtime.GroupVersioner) (runtime.Object, error) {
	kind := in.GetObjectKind().GroupVersionKind()
	gvk, ok := to.KindForGroupVersionKinds([]schema.GroupVersionKind{kind, kind})
	if gv, is := to.(schema.GroupVersion); is {
		gvk, ok = gv.WithKind(kind.Kind), true
	}
	if !ok {
		return nil, fmt.Errorf("no version")
	}
	served := false
	for _, version := range w.o.Versions {
		served = served || version == gvk.GroupVersion().String()
	}
	if !served {
		return nil, runtime.NewNotRegisteredErrForKind("oracle", gvk)
	}
	u, isTree := in.(*unstructured.Unstructured)
	switch {
	case w.o.Builtin && isTree:
		object, err := scheme.Scheme.New(gvk)
		if err != nil {
			return nil, err
		}
		return object, runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, object)
	case isTree:
		u = u.DeepCopy()
		u.SetAPIVersion(gvk.GroupVersion().String())
		return u, nil
	}
	return in, nil
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
