// Tables for all that is pure: images, arguments, variables, volumes, status.
package kubelet

import (
	"errors"
	"fmt"
	"net/netip"
	"sort"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestImageNames(t *testing.T) {
	images := Images{"echo-basic": "/bin/echo", "coredns": "/bin/dns"}
	for _, row := range []struct{ image, expect string }{
		{"registry.k8s.io/gateway-api/echo-basic:v1.5.1", "/bin/echo"},
		{"echo-basic", "/bin/echo"},
		{"localhost:5000/coredns@sha256:0123", "/bin/dns"},
		{"localhost:5000/coredns:v1@sha256:0123", "/bin/dns"},
		{"echo-basic-two:v1", "no program stands for the image echo-basic-two:v1; say --image echo-basic-two=PROGRAM"},
	} {
		got, err := images.program(row.image)
		if err != nil {
			got = err.Error()
		}
		if got != row.expect {
			t.Errorf("%s: got %s, expected %s", row.image, got, row.expect)
		}
	}
}

func TestRelocation(t *testing.T) {
	mounts := map[string]string{"/etc/secret": "/v/a", "/etc/secret/deep": "/v/b", "/conf": "/v/c"}
	for _, row := range []struct{ word, expect string }{
		{"/etc/secret/tls.crt", "/v/a/tls.crt"},
		{"/etc/secret", "/v/a"},
		{"/etc/secrets", "/etc/secrets"},
		{"/etc/secret/deep/x", "/v/b/x"},
		{"-conf", "-conf"},
		{"/conf/Corefile", "/v/c/Corefile"},
		{"see /conf", "see /conf"},
	} {
		if got := relocate(row.word, mounts); got != row.expect {
			t.Errorf("%s: got %s, expected %s", row.word, got, row.expect)
		}
	}
}

// stored has the secret `s` and the config map `c`, each with the key `k`.
type stored struct{}

func (stored) secret(name string) (map[string][]byte, error) {
	if name != "s" {
		return nil, errors.New("no secret " + name)
	}
	return map[string][]byte{"k": []byte("hidden")}, nil
}

func (stored) configMap(name string) (map[string]string, error) {
	if name != "c" {
		return nil, errors.New("no config map " + name)
	}
	return map[string]string{"k": "shown"}, nil
}

func ref(name string) core.LocalObjectReference { return core.LocalObjectReference{Name: name} }

func TestEnvironment(t *testing.T) {
	yes := true
	fieldRef := func(path string) *core.EnvVarSource {
		return &core.EnvVarSource{FieldRef: &core.ObjectFieldSelector{FieldPath: path}}
	}
	secretRef := func(name, key string, optional *bool) *core.EnvVarSource {
		return &core.EnvVarSource{SecretKeyRef: &core.SecretKeySelector{LocalObjectReference: ref(name), Key: key, Optional: optional}}
	}
	for _, row := range []struct {
		variables []core.EnvVar
		expect    string
	}{
		{[]core.EnvVar{{Name: "A", Value: "1"}, {Name: "B", Value: "$(A)2"}}, "A=1 B=12"},
		{[]core.EnvVar{{Name: "A", Value: "/etc/x/y"}}, "A=/v/x/y"},
		{[]core.EnvVar{{Name: "A", ValueFrom: fieldRef("metadata.name")}}, "A=pod"},
		{[]core.EnvVar{{Name: "A", ValueFrom: fieldRef("metadata.labels['app']")}}, "A=echo"},
		{[]core.EnvVar{{Name: "A", ValueFrom: fieldRef("spec.gone")}}, "variable A: this kubelet doesn't know the field spec.gone"},
		{[]core.EnvVar{{Name: "A", ValueFrom: secretRef("s", "k", nil)}}, "A=hidden"},
		{[]core.EnvVar{{Name: "A", ValueFrom: secretRef("s", "x", nil)}}, "variable A: s has no key x"},
		{[]core.EnvVar{{Name: "A", ValueFrom: secretRef("x", "k", nil)}}, "variable A: no secret x"},
		{[]core.EnvVar{{Name: "A", ValueFrom: secretRef("x", "k", &yes)}}, ""},
	} {
		container := &core.Container{Env: row.variables}
		pod := &core.Pod{ObjectMeta: meta.ObjectMeta{Name: "pod", Labels: map[string]string{"app": "echo"}}}
		values, err := environment(container, pod, stored{}, map[string]string{"/etc/x": "/v/x"})
		var words []string
		for name, value := range values {
			words = append(words, name+"="+value)
		}
		sort.Strings(words)
		got := strings.Join(words, " ")
		if err != nil {
			got = err.Error()
		}
		if got != row.expect {
			t.Errorf("%v: got %q, expected %q", row.variables, got, row.expect)
		}
	}
}

func TestVolumes(t *testing.T) {
	secret := func(name string, items ...core.KeyToPath) core.VolumeSource {
		return core.VolumeSource{Secret: &core.SecretVolumeSource{SecretName: name, Items: items}}
	}
	for _, row := range []struct {
		source core.VolumeSource
		expect string
	}{
		{secret("s"), "k=hidden"},
		{secret("s", core.KeyToPath{Key: "k", Path: "a/b"}), "a/b=hidden"},
		{secret("s", core.KeyToPath{Key: "x", Path: "a"}), "no key x"},
		{secret("x"), "no secret x"},
		{core.VolumeSource{ConfigMap: &core.ConfigMapVolumeSource{LocalObjectReference: ref("c")}}, "k=shown"},
		{core.VolumeSource{EmptyDir: &core.EmptyDirVolumeSource{}}, ""},
	} {
		files, err := volumeFiles(&core.Volume{Name: "v", VolumeSource: row.source}, stored{})
		got := ""
		for name, content := range files {
			got += fmt.Sprintf("%s=%s", name, content)
		}
		if err != nil {
			got = err.Error()
		}
		if got != row.expect {
			t.Errorf("%v: got %q, expected %q", row.source, got, row.expect)
		}
	}
}

// Containers are words: running, ready, ended:CODE, waiting.
func TestStatus(t *testing.T) {
	for _, row := range []struct{ containers, trouble, expect string }{
		{"", "no secret x", "Pending Ready=False no secret x"},
		{"waiting", "", "Running Ready=False containers with unready status: [c0]"},
		{"running", "", "Running Ready=False containers with unready status: [c0]"},
		{"ready", "", "Running Ready=True "},
		{"ready running", "", "Running Ready=False containers with unready status: [c1]"},
		{"ready ended:0", "", "Running Ready=False containers with unready status: [c1]"},
		{"ended:0", "", "Succeeded Ready=False "},
		{"ended:0 ended:1", "", "Failed Ready=False containers with unready status: [c0 c1]"},
	} {
		now := picture{pod: &core.Pod{}, trouble: row.trouble, host: netip.MustParseAddr("10.244.0.1")}
		for i, word := range strings.Fields(row.containers) {
			now.containers = append(now.containers, containerOf(i, word))
		}
		status := podStatus(now, &core.PodStatus{}, time.Unix(1, 0))
		ready := status.Conditions[len(status.Conditions)-1]
		got := fmt.Sprintf("%s %s=%s %s", status.Phase, ready.Type, ready.Status, ready.Message)
		if got != row.expect {
			t.Errorf("%s: got %q, expected %q", row.containers, got, row.expect)
		}
	}
}

func containerOf(index int, word string) core.ContainerStatus {
	status := core.ContainerStatus{Name: fmt.Sprintf("c%d", index), Ready: word == "ready"}
	var code int32
	if _, err := fmt.Sscanf(word, "ended:%d", &code); err == nil {
		status.State.Terminated = &core.ContainerStateTerminated{ExitCode: code}
	}
	return status
}

func TestTransitionTimesStay(t *testing.T) {
	now := picture{pod: &core.Pod{}, host: netip.MustParseAddr("10.244.0.1"), containers: []core.ContainerStatus{containerOf(0, "running")}}
	first := podStatus(now, &core.PodStatus{}, time.Unix(100, 0))
	now.containers[0] = containerOf(0, "ready")
	second := podStatus(now, &first, time.Unix(200, 0))
	var got []string
	for _, condition := range second.Conditions {
		got = append(got, fmt.Sprintf("%s=%d", condition.Type, condition.LastTransitionTime.Unix()))
	}
	const expect = "PodScheduled=100 Initialized=100 ContainersReady=200 Ready=200"
	if strings.Join(got, " ") != expect {
		t.Errorf("got %v, expected %s", got, expect)
	}
}
