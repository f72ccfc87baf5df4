//go:build conformance

// The suite itself, against the cluster of KUBECONFIG. scripts/conformance.sh builds and runs it; the
// build tag keeps it out of a plain `go test`, which has no cluster.
package conformance

import (
	"testing"

	suite "sigs.k8s.io/gateway-api/conformance"
)

func TestConformance(t *testing.T) {
	suite.RunConformance(t)
}
