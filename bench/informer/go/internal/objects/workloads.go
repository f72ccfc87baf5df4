// Workloads are the owners of the generated Pods: a Deployment with one
// ReplicaSet, built from a stack (language), a domain word and a role. Pods of
// one workload differ only in what the control plane makes per Pod.
package objects

import (
	"encoding/base64"
	"fmt"
	"time"
)

// stack is what the containers of one programming language have in common.
type stack struct {
	name, image, probe string
	port               int32
	env                [][2]string
	cpu, memory        string
	command            []string
}

var stacks = []stack{
	{
		name: "java", image: "registry.example.com/platform/jvm-service", probe: "/actuator/health", port: 8080,
		cpu: "500m", memory: "1Gi",
		env: [][2]string{
			{"JAVA_TOOL_OPTIONS", "-XX:MaxRAMPercentage=75.0 -XX:+UseG1GC -XX:+ExitOnOutOfMemoryError -Dfile.encoding=UTF-8"},
			{"SPRING_PROFILES_ACTIVE", "kubernetes,production"},
			{"MANAGEMENT_ENDPOINTS_WEB_EXPOSURE_INCLUDE", "health,info,prometheus"},
			{"SERVER_TOMCAT_THREADS_MAX", "200"},
		},
		command: []string{"java", "-jar", "/app/service.jar"},
	},
	{
		name: "go", image: "registry.example.com/platform/go-service", probe: "/healthz", port: 9090,
		cpu: "100m", memory: "128Mi",
		env: [][2]string{
			{"GOMEMLIMIT", "115MiB"}, {"LOG_FORMAT", "json"},
			{"HTTP_READ_TIMEOUT", "15s"}, {"GRPC_MAX_CONNECTION_AGE", "5m"},
		},
		command: []string{"/usr/local/bin/service", "serve", "--config=/etc/service/config.yaml"},
	},
	{
		name: "node", image: "registry.example.com/web/node-service", probe: "/health", port: 3000,
		cpu: "250m", memory: "512Mi",
		env: [][2]string{
			{"NODE_ENV", "production"}, {"NODE_OPTIONS", "--max-old-space-size=384"},
			{"UV_THREADPOOL_SIZE", "8"}, {"SESSION_COOKIE_SECURE", "true"},
		},
		command: []string{"node", "--enable-source-maps", "dist/server.js"},
	},
	{
		name: "python", image: "registry.example.com/data/python-service", probe: "/ping", port: 8000,
		cpu: "200m", memory: "384Mi",
		env: [][2]string{
			{"PYTHONUNBUFFERED", "1"}, {"GUNICORN_CMD_ARGS", "--workers=4 --threads=2 --timeout=60 --max-requests=5000"},
			{"DJANGO_SETTINGS_MODULE", "service.settings.production"}, {"CELERY_BROKER_POOL_LIMIT", "16"},
		},
		command: []string{"gunicorn", "service.wsgi:application"},
	},
	{
		name: "rust", image: "registry.example.com/edge/rust-service", probe: "/livez", port: 7000,
		cpu: "100m", memory: "64Mi",
		env: [][2]string{
			{"RUST_LOG", "info,service=debug,h2=warn"}, {"RUST_BACKTRACE", "1"}, {"TOKIO_WORKER_THREADS", "4"},
		},
		command: []string{"/service", "--bind", "[::]:7000"},
	},
}

var (
	domains = []string{
		"checkout", "payments", "ledger", "catalog", "search", "pricing", "inventory", "shipping", "returns",
		"identity", "accounts", "sessions", "notify", "mailer", "media", "thumbs", "reviews", "ratings",
		"recommend", "basket", "orders", "invoices", "tax", "fraud", "risk", "audit", "reporting", "metrics",
		"ingest", "events", "stream", "archive", "geo", "routing", "fleet", "dispatch", "support", "chat",
		"loyalty", "coupons",
	}
	roles = []string{"api", "worker", "web", "consumer", "scheduler", "grpc", "gateway", "projector"}
	teams = []string{"core", "commerce", "growth", "platform", "data", "edge", "trust", "logistics"}
	zones = []string{"eu-central-1a", "eu-central-1b", "eu-central-1c"}
	// replicaCounts has the long tail seen in clusters: most owners are small, most Pods have many siblings.
	replicaCounts = []int{1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 5, 6, 6, 8, 8, 10, 12, 15, 20, 30, 50, 80, 150}
)

// workload is one Deployment with its ReplicaSet.
type workload struct {
	namespace, app, team, hash   string
	deploymentUID, replicaSetUID string
	stack                        *stack
	replicas                     int
	version, checksum, digest    string
	commit, errorKey, secret     string // what makes owners of one stack differ
	verifyKey, bucket, chart     string
	features                     []string
	meshDigest, agentDigest      string
	created                      time.Time
	mesh, agent, migrate         bool
	dependencies                 []string
	tuning                       int
}

func newWorkload(seed uint64, index int) *workload {
	r := newRandom(seed, "workload", index)
	domain, role, team := pick(r, domains), pick(r, roles), pick(r, teams)
	w := &workload{
		namespace:     fmt.Sprintf("%s-%s", team, pick(r, []string{"prod", "stage", "canary", "batch"})),
		app:           fmt.Sprintf("%s-%s-%s", domain, role, r.suffix(3)),
		team:          team,
		hash:          r.suffix(10),
		deploymentUID: r.uid(),
		replicaSetUID: r.uid(),
		stack:         &stacks[r.IntN(len(stacks))],
		replicas:      pick(r, replicaCounts),
		version:       fmt.Sprintf("v%d.%d.%d", r.IntN(5), r.IntN(40), r.IntN(20)),
		checksum:      r.hex(32),
		digest:        r.hex(32),
		commit:        r.hex(20),
		errorKey:      r.hex(16),
		secret:        r.hex(32),
		verifyKey:     base64.StdEncoding.EncodeToString(r.bytes(44)),
		bucket:        fmt.Sprintf("%s-%s-%s", team, domain, r.suffix(12)),
		chart:         r.hex(16),
		meshDigest:    fixedDigest(seed, "mesh"),
		agentDigest:   fixedDigest(seed, "agent"),
		created:       r.before(baseTime, 90*24*time.Hour),
		mesh:          r.chance(16),
		agent:         r.chance(8),
		migrate:       r.chance(15),
		tuning:        1 + r.IntN(9),
	}
	for range 1 + r.IntN(4) {
		w.dependencies = append(w.dependencies, pick(r, domains))
	}
	for range 4 + r.IntN(4) {
		w.features = append(w.features, fmt.Sprintf("%s-%s=%d", pick(r, domains), r.suffix(4), r.IntN(100)))
	}
	return w
}

// fixedDigest is the digest of an image that every workload shares.
func fixedDigest(seed uint64, name string) string { return newRandom(seed, name, 0).hex(32) }

// workloads yields owners until together they have `count` Pods; the last is cut to fit.
func workloads(seed uint64, count int) []*workload {
	var out []*workload
	for total := 0; total < count; {
		w := newWorkload(seed, len(out))
		w.replicas = min(w.replicas, count-total)
		total += w.replicas
		out = append(out, w)
	}
	return out
}
