// Compaction of etcd's history, the reason why an old resourceVersion gets 410 Gone.
//
// kube-apiserver's watch cache remembers recent events by itself: only a restart after a compaction
// makes every older resourceVersion too old.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// CompactEtcd drops all history before the present revision, which it returns.
func (c *Cluster) CompactEtcd(ctx context.Context) (int64, error) {
	client, err := clientv3.New(clientv3.Config{
		Endpoints:   []string{c.EtcdURL()},
		DialTimeout: 5 * time.Second,
		Logger:      zap.NewNop(),
	})
	if err != nil {
		return 0, fmt.Errorf("connect to etcd: %w", err)
	}
	defer client.Close()
	answer, err := client.Get(ctx, "any key: only the revision counts")
	if err != nil {
		return 0, fmt.Errorf("ask etcd for its revision: %w", err)
	}
	revision := answer.Header.Revision
	_, err = client.Compact(ctx, revision, clientv3.WithCompactPhysical())
	if err != nil && !errors.Is(err, rpctypes.ErrCompacted) { // nothing has changed since the last one
		return 0, fmt.Errorf("compact etcd to revision %d: %w", revision, err)
	}
	return revision, nil
}
