// Generate makes all objects of one resource, in parallel, sorted by namespace
// and name as an API server lists them.
package objects

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Versions below FirstVersion belong to the initial objects. All have ten digits.
const FirstVersion uint64 = 2_000_000_000

// Kind names one resource the generator knows.
type Kind struct{ Group, Version, Resource, Kind string }

// Path is the API path of the kind's group and version.
func (k Kind) Path() string {
	if k.Group == "" {
		return "/api/" + k.Version
	}
	return "/apis/" + k.Group + "/" + k.Version
}

// APIVersion is the value of the objects' `apiVersion`.
func (k Kind) APIVersion() string {
	if k.Group == "" {
		return k.Version
	}
	return k.Group + "/" + k.Version
}

// Kinds are all resources that can be generated.
var Kinds = []Kind{
	{"", "v1", "pods", "Pod"},
	{"apps", "v1", "deployments", "Deployment"},
	{"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"},
}

// Options say what to generate.
type Options struct {
	Kind          Kind
	Count         int
	Seed          uint64
	ManagedFields bool
	Protobuf      bool
}

// Generate returns the objects sorted by namespace and name.
func Generate(options Options) ([]*Object, error) {
	owners := workloads(options.Seed, options.Count)
	if options.Kind.Kind != "Pod" {
		for len(owners) < options.Count {
			owners = append(owners, newWorkload(options.Seed, len(owners)))
		}
		owners = owners[:options.Count]
	}
	results := make([][]*Object, len(owners))
	errs := make([]error, runtime.NumCPU())
	var group sync.WaitGroup
	for worker := range errs {
		group.Go(func() {
			for i := worker; i < len(owners) && errs[worker] == nil; i += len(errs) {
				results[i], errs[worker] = owners[i].encoded(options, i)
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	all := slices.Concat(results...)
	slices.SortFunc(all, func(a, b *Object) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return all, checkUnique(all)
}

func checkUnique(sorted []*Object) error {
	for i := 1; i < len(sorted); i++ {
		if sorted[i-1].Namespace == sorted[i].Namespace && sorted[i-1].Name == sorted[i].Name {
			return fmt.Errorf("name %s/%s was generated twice: choose another seed", sorted[i].Namespace, sorted[i].Name)
		}
	}
	return nil
}

func (w *workload) encoded(options Options, index int) ([]*Object, error) {
	r := newRandom(options.Seed, options.Kind.Resource, index)
	switch options.Kind.Kind {
	case "Deployment":
		return w.single(w.deployment(), r, options)
	case "EndpointSlice":
		return w.single(w.endpointSlice(r), r, options)
	default:
		return w.pods(r, options)
	}
}

func (w *workload) single(object marshaler, r random, options Options) ([]*Object, error) {
	if options.ManagedFields {
		entries, err := managedFields(object, otherManagers, options.Kind.APIVersion())
		if err != nil {
			return nil, err
		}
		object.SetManagedFields(entries)
	}
	encoded, err := finish(object, r, options)
	return []*Object{encoded}, err
}

func (w *workload) pods(r random, options Options) ([]*Object, error) {
	out := make([]*Object, 0, w.replicas)
	first := w.pod(newRandom(options.Seed, "first"+w.replicaSetUID, 0))
	entries, err := managedFields(first, podManagers, "v1")
	if err != nil {
		return nil, err
	}
	for range w.replicas {
		pod := w.pod(r)
		if options.ManagedFields {
			pod.ManagedFields = forSibling(entries, pod.CreationTimestamp, first.Status.PodIP, pod.Status.PodIP)
		}
		object, err := finish(pod, r, options)
		if err != nil {
			return nil, err
		}
		out = append(out, object)
	}
	return out, nil
}

// finish encodes and replaces the marks by a plausible past version and time.
func finish(object marshaler, r random, options Options) (*Object, error) {
	encoded, err := encode(object, options.Protobuf)
	if err != nil {
		return nil, err
	}
	version := FirstVersion/2 + r.Uint64N(FirstVersion/2)
	ready := object.GetCreationTimestamp().Add(time.Duration(20+r.IntN(90)) * time.Second)
	return encoded.With(version, NoTimestamp, ready), nil
}
