// A container's arguments and environment, as the API server describes them, made fit for a process
// without a mount namespace: words that begin with a mount path get the volume's folder instead.
package kubelet

import (
	"fmt"
	"path/filepath"
	"sort"
	"strings"

	core "k8s.io/api/core/v1"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
)

// sources gives the contents of Secrets and ConfigMaps that variables come from.
type sources interface {
	secret(name string) (map[string][]byte, error)
	configMap(name string) (map[string]string, error)
}

// words are what follows the program's name. A container's command is replaced by the program, all
// but its own arguments.
func words(container *core.Container, environment map[string]string, mounts map[string]string) []string {
	var given []string
	if len(container.Command) > 0 {
		given = append(given, container.Command[1:]...)
	}
	given = append(given, container.Args...)
	expand := expansion.MappingFuncFor(environment)
	for i, word := range given {
		given[i] = relocate(expansion.Expand(word, expand), mounts)
	}
	return given
}

// environment is sorted by name.
func environment(container *core.Container, pod *core.Pod, from sources, mounts map[string]string) (map[string]string, error) {
	values := map[string]string{}
	for _, source := range container.EnvFrom {
		if err := addAll(values, source, from); err != nil {
			return nil, err
		}
	}
	expand := expansion.MappingFuncFor(values)
	for _, variable := range container.Env {
		if variable.ValueFrom == nil {
			values[variable.Name] = expansion.Expand(variable.Value, expand)
			continue
		}
		value, found, err := valueFrom(variable.ValueFrom, pod, from)
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", variable.Name, err)
		}
		if found {
			values[variable.Name] = value
		}
	}
	for name, value := range values {
		values[name] = relocate(value, mounts)
	}
	return values, nil
}

func addAll(values map[string]string, source core.EnvFromSource, from sources) error {
	if ref := source.ConfigMapRef; ref != nil {
		data, err := from.configMap(ref.Name)
		if err != nil && !isTrue(ref.Optional) {
			return err
		}
		for key, value := range data {
			values[source.Prefix+key] = value
		}
	}
	if ref := source.SecretRef; ref != nil {
		data, err := from.secret(ref.Name)
		if err != nil && !isTrue(ref.Optional) {
			return err
		}
		for key, value := range data {
			values[source.Prefix+key] = string(value)
		}
	}
	return nil
}

func valueFrom(source *core.EnvVarSource, pod *core.Pod, from sources) (string, bool, error) {
	switch {
	case source.FieldRef != nil:
		value, err := field(pod, source.FieldRef.FieldPath)
		return value, true, err
	case source.SecretKeyRef != nil:
		ref := source.SecretKeyRef
		data, err := from.secret(ref.Name)
		value, found := data[ref.Key]
		return string(value), found, missing(err, found, ref.Optional, ref.Name, ref.Key)
	case source.ConfigMapKeyRef != nil:
		ref := source.ConfigMapKeyRef
		data, err := from.configMap(ref.Name)
		value, found := data[ref.Key]
		return value, found, missing(err, found, ref.Optional, ref.Name, ref.Key)
	}
	return "", false, fmt.Errorf("this kubelet doesn't know where the value comes from")
}

func missing(err error, found bool, optional *bool, name, key string) error {
	if isTrue(optional) || (err == nil && found) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%s has no key %s", name, key)
}

// field is the downward API.
func field(pod *core.Pod, path string) (string, error) {
	if key, isLabel := subscript(path, "metadata.labels"); isLabel {
		return pod.Labels[key], nil
	}
	if key, isAnnotation := subscript(path, "metadata.annotations"); isAnnotation {
		return pod.Annotations[key], nil
	}
	switch path {
	case "metadata.name":
		return pod.Name, nil
	case "metadata.namespace":
		return pod.Namespace, nil
	case "metadata.uid":
		return string(pod.UID), nil
	case "spec.nodeName":
		return pod.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName, nil
	case "status.podIP", "status.podIPs":
		return pod.Status.PodIP, nil
	case "status.hostIP", "status.hostIPs":
		return pod.Status.HostIP, nil
	}
	return "", fmt.Errorf("this kubelet doesn't know the field %s", path)
}

// subscript takes KEY out of prefix['KEY'].
func subscript(path, prefix string) (string, bool) {
	rest, found := strings.CutPrefix(path, prefix+"['")
	key, closed := strings.CutSuffix(rest, "']")
	return key, found && closed
}

// relocate puts the folder of the innermost mount in the place of its path.
func relocate(word string, mounts map[string]string) string {
	best := ""
	for path := range mounts {
		if len(path) > len(best) && (word == path || strings.HasPrefix(word, path+"/")) {
			best = path
		}
	}
	if best == "" {
		return word
	}
	return mounts[best] + strings.TrimPrefix(word, best)
}

// mountPaths maps where a container wants its volumes to where they are.
func mountPaths(container *core.Container, volumesDir string) map[string]string {
	mounts := map[string]string{}
	for _, mount := range container.VolumeMounts {
		mounts[filepath.Clean(mount.MountPath)] = filepath.Join(volumesDir, mount.Name, filepath.Clean("/"+mount.SubPath))
	}
	return mounts
}

// assignments are NAME=VALUE, in order, with the few variables that every program expects.
func assignments(values map[string]string, home string) []string {
	list := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + home}
	for name, value := range values {
		list = append(list, name+"="+value)
	}
	sort.Strings(list[2:]) // of two with one name the later wins
	return list
}

func isTrue(value *bool) bool { return value != nil && *value }
