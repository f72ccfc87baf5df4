// Waiting: for the API server, for etcd, and for what a new cluster needs before it is usable.
//
// Every wait ends by success, by the context, by the death of a component that it needs, or by running
// out of patience; the error then holds the end of each such component's log.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const pollInterval = 25 * time.Millisecond

// awaitReady waits until /readyz says ok.
func (c *Cluster) awaitReady(ctx context.Context) error {
	client, err := rest.HTTPClientFor(c.adminConfig())
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	return await(ctx, func(ctx context.Context) error {
		return expectOK(ctx, client, c.URL()+"/readyz")
	}, c.APIServer, c.Etcd)
}

// awaitEtcd waits until etcd says that it is healthy.
func (c *Cluster) awaitEtcd(ctx context.Context) error {
	return await(ctx, func(ctx context.Context) error {
		return expectOK(ctx, http.DefaultClient, c.EtcdURL()+"/health")
	}, c.Etcd)
}

// awaitDefaultServiceAccount waits for the controller manager's first visible work. Without it,
// pods in the namespace `default` are refused.
func (c *Cluster) awaitDefaultServiceAccount(ctx context.Context) error {
	client, err := c.adminClient()
	if err != nil {
		return err
	}
	return await(ctx, func(ctx context.Context) error {
		_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", meta.GetOptions{})
		return err
	}, c.ControllerManager)
}

// awaitNode waits until this start of the kubelet has made its Node, or renewed it.
func (c *Cluster) awaitNode(ctx context.Context) error {
	client, err := c.adminClient()
	if err != nil {
		return err
	}
	began := time.Now().Truncate(time.Second)
	return await(ctx, func(ctx context.Context) error {
		node, err := client.CoreV1().Nodes().Get(ctx, nodeName, meta.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range node.Status.Conditions {
			if condition.Type == core.NodeReady && !condition.LastHeartbeatTime.Time.Before(began) {
				return nil
			}
		}
		return errors.New("the node is not ready")
	}, c.Kubelet)
}

// bindViewers gives the user `viewer` the right to read most things.
func (c *Cluster) bindViewers(ctx context.Context) error {
	client, err := c.adminClient()
	if err != nil {
		return err
	}
	binding := &rbac.ClusterRoleBinding{
		ObjectMeta: meta.ObjectMeta{Name: groupViewers},
		RoleRef:    rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "ClusterRole", Name: "view"},
		Subjects:   []rbac.Subject{{APIGroup: rbac.GroupName, Kind: rbac.GroupKind, Name: groupViewers}},
	}
	_, err = client.RbacV1().ClusterRoleBindings().Create(ctx, binding, meta.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("give %s its rights: %w", UserViewer, err)
	}
	return nil
}

// await polls check until it succeeds. The needed processes must live as long as that takes.
func await(ctx context.Context, check func(context.Context) error, needed ...*Process) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	lastErr := errors.New("not asked yet")
	for {
		attempt, cancelAttempt := context.WithTimeout(ctx, 5*time.Second)
		err := check(attempt)
		cancelAttempt()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			lastErr = err
		}
		for _, process := range needed {
			if !process.Alive() {
				return fmt.Errorf("%s ended while it was needed; %s", process.Name, logTails(needed))
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready (%w): %w; %s", needed[0].Name, ctx.Err(), lastErr, logTails(needed))
		case <-time.After(pollInterval):
		}
	}
}

func logTails(processes []*Process) string {
	var all strings.Builder
	for _, process := range processes {
		fmt.Fprintf(&all, "the end of the log of %s:\n%s\n", process.Name, process.LogTail())
	}
	return all.String()
}

func expectOK(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}

func (c *Cluster) adminConfig() *rest.Config {
	token, _ := c.Users.Token(UserAdmin)
	return &rest.Config{
		Host:            c.URL(),
		BearerToken:     token,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.PKI.CAPEM},
		QPS:             -1, // no limit
	}
}

func (c *Cluster) adminClient() (*kubernetes.Clientset, error) {
	return kubernetes.NewForConfig(c.adminConfig())
}
