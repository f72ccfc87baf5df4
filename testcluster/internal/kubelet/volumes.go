// Volumes: folders with the contents of Secrets and ConfigMaps, written once before the pod starts.
//
// A pod waits for what is not there yet. Later changes of the objects are not followed.
package kubelet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// namespaceSources reads objects of one namespace.
type namespaceSources struct {
	ctx       context.Context
	client    kubernetes.Interface
	namespace string
}

func (s namespaceSources) secret(name string) (map[string][]byte, error) {
	secret, err := s.client.CoreV1().Secrets(s.namespace).Get(s.ctx, name, meta.GetOptions{})
	if err != nil {
		return nil, err
	}
	return secret.Data, nil
}

func (s namespaceSources) configMap(name string) (map[string]string, error) {
	configMap, err := s.client.CoreV1().ConfigMaps(s.namespace).Get(s.ctx, name, meta.GetOptions{})
	if err != nil {
		return nil, err
	}
	return configMap.Data, nil
}

// writeVolumes fills dir/NAME for every volume, or says what is missing.
func writeVolumes(volumes []core.Volume, dir string, from sources) error {
	for i := range volumes {
		folder := filepath.Join(dir, volumes[i].Name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		files, err := volumeFiles(&volumes[i], from)
		if err != nil {
			return fmt.Errorf("volume %s: %w", volumes[i].Name, err)
		}
		for name, content := range files {
			path := filepath.Join(folder, filepath.Clean("/"+name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(path, content, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

func volumeFiles(volume *core.Volume, from sources) (map[string][]byte, error) {
	switch {
	case volume.Secret != nil:
		data, err := from.secret(volume.Secret.SecretName)
		if err != nil && !isTrue(volume.Secret.Optional) {
			return nil, err
		}
		return pick(data, volume.Secret.Items, isTrue(volume.Secret.Optional))
	case volume.ConfigMap != nil:
		text, err := from.configMap(volume.ConfigMap.Name)
		if err != nil && !isTrue(volume.ConfigMap.Optional) {
			return nil, err
		}
		data := map[string][]byte{}
		for key, value := range text {
			data[key] = []byte(value)
		}
		return pick(data, volume.ConfigMap.Items, isTrue(volume.ConfigMap.Optional))
	}
	return nil, nil // an empty folder; of a service account's token, too
}

// pick renames and chooses by items; without items, all is taken.
func pick(data map[string][]byte, items []core.KeyToPath, optional bool) (map[string][]byte, error) {
	if len(items) == 0 {
		return data, nil
	}
	picked := map[string][]byte{}
	for _, item := range items {
		value, found := data[item.Key]
		if !found && !optional {
			return nil, fmt.Errorf("no key %s", item.Key)
		}
		if found {
			picked[item.Path] = value
		}
	}
	return picked, nil
}
