// Credentials made while the cluster runs: tokens and client certificates with any life span.
//
// TokenRequest refuses less than ten minutes, so shorter service-account tokens are signed right
// here, with the key and the claims that the API server uses.
package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	authentication "k8s.io/api/authentication/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// tokenRequestMin is the shortest life that TokenRequest grants.
const tokenRequestMin = 10 * time.Minute

// expiryLeeway is how long after its date the API server goes on taking a token.
const expiryLeeway = time.Minute

// MintToken makes a token of a service account. One with less than ten minutes is dated back by the
// API server's leeway, so that ttl is when it is refused; a success in the ten seconds before is
// remembered, though, so the refusal may come ten seconds late.
func (c *Cluster) MintToken(ctx context.Context, account types.NamespacedName, ttl time.Duration) (string, error) {
	client, err := c.adminClient()
	if err != nil {
		return "", err
	}
	accounts := client.CoreV1().ServiceAccounts(account.Namespace)
	if ttl >= tokenRequestMin {
		seconds := int64(ttl / time.Second)
		request := &authentication.TokenRequest{Spec: authentication.TokenRequestSpec{ExpirationSeconds: &seconds}}
		answer, err := accounts.CreateToken(ctx, account.Name, request, meta.CreateOptions{})
		if err != nil {
			return "", fmt.Errorf("token of service account %s: %w", account, err)
		}
		return answer.Status.Token, nil
	}
	object, err := accounts.Get(ctx, account.Name, meta.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("service account %s: %w", account, err)
	}
	return c.PKI.signToken(account, object.UID, ttl)
}

// signToken makes the JWT that TokenRequest would make.
func (p *PKI) signToken(account types.NamespacedName, uid types.UID, ttl time.Duration) (string, error) {
	now := time.Now()
	claims := map[string]any{
		"iss": issuer,
		"aud": []string{issuer},
		"sub": fmt.Sprintf("system:serviceaccount:%s:%s", account.Namespace, account.Name),
		"iat": now.Add(-expiryLeeway).Unix(),
		"nbf": now.Add(-expiryLeeway).Unix(),
		"exp": now.Add(ttl - expiryLeeway).Unix(),
		"kubernetes.io": map[string]any{
			"namespace":      account.Namespace,
			"serviceaccount": map[string]any{"name": account.Name, "uid": uid},
		},
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed := encode([]byte(`{"alg":"ES256","typ":"JWT"}`)) + "." + encode(payload)
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, p.serviceAccountKey, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + encode(signature[:]), nil
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// RotateToken gives the user a new static token, and writes its files. The API server takes the new
// one and refuses the old one from its next start.
func (c *Cluster) RotateToken(user string, groups []string) (string, error) {
	token := c.Users.Rotate(user, groups)
	if err := c.Users.Save(c.Paths); err != nil {
		return "", err
	}
	credential, err := c.credential(user)
	if err != nil {
		return "", err
	}
	return token, c.WriteKubeconfig(c.Paths.Kubeconfig(user), c.URL(), credential)
}

// MintedCert tells where a minted client certificate lies.
type MintedCert struct {
	Cert       string `json:"cert"`
	Key        string `json:"key"`
	Kubeconfig string `json:"kubeconfig"`
}

// MintCert makes a client certificate. A second one of the same user replaces the files of the
// first; its kubeconfig names those files, so a client that reads them again sees the rotation.
func (c *Cluster) MintCert(user string, groups []string, ttl time.Duration) (MintedCert, error) {
	pair, err := c.PKI.ClientPair(user, groups, ttl)
	if err != nil {
		return MintedCert{}, err
	}
	minted := MintedCert{
		Cert:       c.Paths.ClientCert(user),
		Key:        c.Paths.ClientKey(user),
		Kubeconfig: c.Paths.Kubeconfig(user + "-minted"),
	}
	if err := writeFiles(map[string][]byte{minted.Cert: pair.Cert, minted.Key: pair.Key}); err != nil {
		return MintedCert{}, err
	}
	return minted, c.WriteKubeconfig(minted.Kubeconfig, c.URL(), &clientcmdapi.AuthInfo{
		ClientCertificate: minted.Cert,
		ClientKey:         minted.Key,
	})
}
