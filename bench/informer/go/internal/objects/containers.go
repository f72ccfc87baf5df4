// Containers, volumes and scheduling rules of a workload's Pod template, with
// the defaults that the API server would have filled in.
package objects

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const (
	tokenMount  = "/var/run/secrets/kubernetes.io/serviceaccount"
	tokenPrefix = "kube-api-access-"
)

func (w *workload) containers(tokenVolume string) []corev1.Container {
	out := []corev1.Container{w.mainContainer(tokenVolume)}
	if w.mesh {
		out = append(out, w.meshContainer(tokenVolume))
	}
	if w.agent {
		out = append(out, w.agentContainer(tokenVolume))
	}
	return out
}

func (w *workload) initContainers(tokenVolume string) []corev1.Container {
	var out []corev1.Container
	if w.migrate {
		out = append(out, corev1.Container{
			Name:            "wait-for-dependencies",
			Image:           "registry.example.com/platform/wait-for:1.9.2",
			Args:            []string{"--timeout=120s", w.dependencies[0] + "." + w.namespace + ".svc.cluster.local:5432"},
			Resources:       resources("10m", "32Mi", "50m"),
			VolumeMounts:    []corev1.VolumeMount{token(tokenVolume)},
			ImagePullPolicy: corev1.PullIfNotPresent,
			SecurityContext: restricted(),
		})
	}
	return withDefaults(out)
}

func (w *workload) mainContainer(tokenVolume string) corev1.Container {
	s := w.stack
	c := corev1.Container{
		Name:    w.app[:strings.LastIndex(w.app, "-")],
		Image:   s.image + ":" + w.version,
		Command: s.command,
		Ports: []corev1.ContainerPort{
			{Name: "http", ContainerPort: s.port, Protocol: corev1.ProtocolTCP},
			{Name: "metrics", ContainerPort: 9102, Protocol: corev1.ProtocolTCP},
		},
		Env:             w.environment(),
		EnvFrom:         []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: local(w.app + "-env")}}},
		Resources:       resources(s.cpu, s.memory, "2"),
		LivenessProbe:   probe(s.probe, s.port, 10),
		ReadinessProbe:  probe(s.probe, s.port, 5),
		StartupProbe:    probe(s.probe, s.port, 3),
		SecurityContext: restricted(),
		VolumeMounts: []corev1.VolumeMount{
			{Name: "config", MountPath: "/etc/service", ReadOnly: true},
			{Name: "tmp", MountPath: "/tmp"},
			{Name: "tls", MountPath: "/etc/tls", ReadOnly: true},
			token(tokenVolume),
		},
		ImagePullPolicy: corev1.PullIfNotPresent,
		Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{
			Exec: &corev1.ExecAction{Command: []string{"/bin/sh", "-c", "sleep 15"}},
		}},
	}
	return withDefaults([]corev1.Container{c})[0]
}

func (w *workload) environment() []corev1.EnvVar {
	env := []corev1.EnvVar{
		fieldEnv("POD_NAME", "metadata.name"), fieldEnv("POD_NAMESPACE", "metadata.namespace"),
		fieldEnv("POD_IP", "status.podIP"), fieldEnv("NODE_NAME", "spec.nodeName"),
		{Name: "SERVICE_NAME", Value: w.app}, {Name: "SERVICE_VERSION", Value: w.version},
		{Name: "OTEL_EXPORTER_OTLP_ENDPOINT", Value: "http://otel-collector.observability.svc.cluster.local:4317"},
		{Name: "OTEL_RESOURCE_ATTRIBUTES", Value: "service.namespace=" + w.namespace + ",deployment.environment=production"},
		{Name: "MAX_IN_FLIGHT", Value: fmt.Sprint(w.tuning * 32)},
		{Name: "TOKEN_VERIFY_KEY", Value: w.verifyKey}, {Name: "UPLOAD_BUCKET", Value: "s3://" + w.bucket},
		{Name: "FEATURE_FLAGS", Value: strings.Join(w.features, ",")},
		{Name: "ERROR_REPORTING_DSN", Value: fmt.Sprintf("https://%s@errors.example.com/%d", w.errorKey, w.tuning)},
	}
	for _, pair := range w.stack.env {
		env = append(env, corev1.EnvVar{Name: pair[0], Value: pair[1]})
	}
	for i, d := range w.dependencies {
		env = append(env, corev1.EnvVar{
			Name:  fmt.Sprintf("%s_URL_%d", strings.ToUpper(d), i),
			Value: fmt.Sprintf("http://%s-api.%s.svc.cluster.local:8080/v%d", d, w.namespace, 1+i%2),
		})
	}
	for _, key := range []string{"DATABASE_URL", "DATABASE_PASSWORD", "API_TOKEN"} {
		env = append(env, corev1.EnvVar{Name: key, ValueFrom: &corev1.EnvVarSource{
			SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: local(w.app + "-credentials"), Key: strings.ToLower(key)},
		}})
	}
	return env
}

func (w *workload) meshContainer(tokenVolume string) corev1.Container {
	c := corev1.Container{
		Name:  "mesh-proxy",
		Image: "registry.example.com/mesh/proxy:2.14.3",
		Args:  []string{"proxy", "sidecar", "--domain", "$(POD_NAMESPACE).svc.cluster.local", "--log-level=warning", "--concurrency", "2"},
		Ports: []corev1.ContainerPort{
			{Name: "http-envoy-prom", ContainerPort: 15090, Protocol: corev1.ProtocolTCP},
		},
		Env: []corev1.EnvVar{
			fieldEnv("POD_NAME", "metadata.name"), fieldEnv("POD_NAMESPACE", "metadata.namespace"),
			fieldEnv("INSTANCE_IP", "status.podIP"), fieldEnv("HOST_IP", "status.hostIP"),
			{Name: "CA_ADDR", Value: "mesh-control.mesh-system.svc:15012"},
			{Name: "PROXY_CONFIG", Value: `{"discoveryAddress":"mesh-control.mesh-system.svc:15012","tracing":{"sampling":1}}`},
			{Name: "META_CLUSTER_ID", Value: "Kubernetes"}, {Name: "META_APP_CONTAINERS", Value: w.app},
			{Name: "META_WORKLOAD_NAME", Value: w.app}, {Name: "TRUST_DOMAIN", Value: "cluster.local"},
		},
		Resources:       resources("100m", "128Mi", "2"),
		ReadinessProbe:  probe("/healthz/ready", 15021, 15),
		SecurityContext: restricted(),
		VolumeMounts: []corev1.VolumeMount{
			{Name: "mesh-data", MountPath: "/var/lib/mesh/data"}, {Name: "mesh-envoy", MountPath: "/etc/mesh/proxy"},
			{Name: "mesh-podinfo", MountPath: "/etc/mesh/pod"}, token(tokenVolume),
		},
		ImagePullPolicy: corev1.PullIfNotPresent,
	}
	return withDefaults([]corev1.Container{c})[0]
}

func (w *workload) agentContainer(tokenVolume string) corev1.Container {
	c := corev1.Container{
		Name:            "log-shipper",
		Image:           "registry.example.com/observability/log-shipper:3.1.7",
		Args:            []string{"--config=/etc/service/shipper.conf", "--tag=" + w.namespace + "." + w.app},
		Resources:       resources("50m", "64Mi", "200m"),
		LivenessProbe:   probe("/api/v1/health", 2020, 30),
		SecurityContext: restricted(),
		VolumeMounts:    []corev1.VolumeMount{{Name: "config", MountPath: "/etc/service", ReadOnly: true}, {Name: "tmp", MountPath: "/tmp"}, token(tokenVolume)},
		ImagePullPolicy: corev1.PullIfNotPresent,
	}
	return withDefaults([]corev1.Container{c})[0]
}

func (w *workload) volumes(tokenVolume string) []corev1.Volume {
	mode := int32(420)
	expiry := int64(3607)
	out := []corev1.Volume{
		{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: local(w.app + "-config"), DefaultMode: &mode}}},
		{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		{Name: "tls", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: w.app + "-tls", DefaultMode: &mode}}},
	}
	if w.mesh {
		labels := corev1.DownwardAPIVolumeFile{Path: "labels", FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.labels"}}
		out = append(out,
			corev1.Volume{Name: "mesh-data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			corev1.Volume{Name: "mesh-envoy", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}}},
			corev1.Volume{Name: "mesh-podinfo", VolumeSource: corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: []corev1.DownwardAPIVolumeFile{labels}, DefaultMode: &mode}}},
		)
	}
	projected := corev1.ProjectedVolumeSource{DefaultMode: &mode, Sources: []corev1.VolumeProjection{
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{ExpirationSeconds: &expiry, Path: "token"}},
		{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: local("kube-root-ca.crt"), Items: []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}}}},
		{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"}}}}},
	}}
	return append(out, corev1.Volume{Name: tokenVolume, VolumeSource: corev1.VolumeSource{Projected: &projected}})
}

func withDefaults(containers []corev1.Container) []corev1.Container {
	for i := range containers {
		containers[i].TerminationMessagePath = corev1.TerminationMessagePathDefault
		containers[i].TerminationMessagePolicy = corev1.TerminationMessageReadFile
	}
	return containers
}

func fieldEnv(name, path string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: path}}}
}

func probe(path string, port, period int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:     corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt32(port), Scheme: corev1.URISchemeHTTP}},
		TimeoutSeconds:   2,
		PeriodSeconds:    period,
		SuccessThreshold: 1,
		FailureThreshold: 3,
	}
}

func resources(cpu, memory, cpuLimit string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)},
		Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpuLimit), corev1.ResourceMemory: resource.MustParse(memory)},
	}
}

func restricted() *corev1.SecurityContext {
	no, yes, user := false, true, int64(10001)
	return &corev1.SecurityContext{
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		RunAsUser:                &user,
		RunAsNonRoot:             &yes,
		ReadOnlyRootFilesystem:   &yes,
		AllowPrivilegeEscalation: &no,
	}
}

func token(volume string) corev1.VolumeMount {
	return corev1.VolumeMount{Name: volume, ReadOnly: true, MountPath: tokenMount}
}

func local(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }

func spread(app string) []corev1.TopologySpreadConstraint {
	return []corev1.TopologySpreadConstraint{{
		MaxSkew: 1, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.ScheduleAnyway,
		LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app.kubernetes.io/name": app}},
	}}
}
