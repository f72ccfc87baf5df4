// The cluster's certificate authority: serving and client certificates, and the service-account key.
//
// Everything is made anew for each cluster, with ECDSA P-256, and lives only in its folder.
package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// yearLife is the life of everything that tests do not want to see expire.
const yearLife = 365 * 24 * time.Hour

// clockSlack back-dates certificates, so that they are valid at once.
const clockSlack = time.Minute

// PKI signs with the cluster's CA.
type PKI struct {
	caCert *x509.Certificate
	caKey  *ecdsa.PrivateKey
	CAPEM  []byte

	serviceAccountKey *ecdsa.PrivateKey
}

// Pair is a certificate and its key, both PEM.
type Pair struct{ Cert, Key []byte }

// NewPKI makes a CA and a service-account key.
func NewPKI() (*PKI, error) {
	caKey, err := newKey()
	if err != nil {
		return nil, err
	}
	serviceAccountKey, err := newKey()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "testcluster-ca"},
		NotBefore:             time.Now().Add(-clockSlack),
		NotAfter:              time.Now().Add(yearLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &caKey.PublicKey, caKey)
	if err != nil {
		return nil, fmt.Errorf("CA certificate: %w", err)
	}
	caCert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("CA certificate: %w", err)
	}
	return &PKI{caCert: caCert, caKey: caKey, CAPEM: certPEM(der), serviceAccountKey: serviceAccountKey}, nil
}

// ServerPair makes the API server's serving certificate: loopback and the in-cluster names.
func (p *PKI) ServerPair() (Pair, error) {
	return p.sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback, net.ParseIP(serviceIPFirst)},
	}, yearLife)
}

// ClientPair makes a client certificate: the common name is the user, organisations are the groups.
func (p *PKI) ClientPair(user string, groups []string, ttl time.Duration) (Pair, error) {
	return p.sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: user, Organization: groups},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, ttl)
}

// sign completes the template, which must leave serial number, validity and key usage unset.
func (p *PKI) sign(template *x509.Certificate, ttl time.Duration) (Pair, error) {
	key, err := newKey()
	if err != nil {
		return Pair{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return Pair{}, err
	}
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-clockSlack)
	template.NotAfter = time.Now().Add(ttl)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, p.caCert, &key.PublicKey, p.caKey)
	if err != nil {
		return Pair{}, fmt.Errorf("certificate of %s: %w", template.Subject.CommonName, err)
	}
	keyPEM, err := keyPEM(key)
	return Pair{Cert: certPEM(der), Key: keyPEM}, err
}

// write puts what the API server and the controller manager read into their files.
func (p *PKI) write(paths Paths) error {
	server, err := p.ServerPair()
	if err != nil {
		return err
	}
	caKey, err := keyPEM(p.caKey)
	if err != nil {
		return err
	}
	serviceAccountKey, err := keyPEM(p.serviceAccountKey)
	if err != nil {
		return err
	}
	return writeFiles(map[string][]byte{
		paths.CA():                p.CAPEM,
		paths.CAKey():             caKey,
		paths.ServerCert():        server.Cert,
		paths.ServerKey():         server.Key,
		paths.ServiceAccountKey(): serviceAccountKey,
	})
}

func newKey() (*ecdsa.PrivateKey, error) {
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

func certPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func keyPEM(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

// writeFiles writes each file by way of a temporary one, so that no reader sees half of it.
func writeFiles(files map[string][]byte) error {
	for path, content := range files {
		temporary := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
		if err := os.WriteFile(temporary, content, 0o600); err != nil {
			return err
		}
		if err := os.Rename(temporary, path); err != nil {
			return err
		}
	}
	return nil
}
