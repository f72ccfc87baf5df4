// Kubeconfigs: one per user, per credential, and per address that the API server is reached at.
//
// Each is complete in itself, but for those whose purpose is to read a credential from a file that
// changes.
package cluster

import (
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// AdminCert is the name of the kubeconfig that authenticates with a client certificate.
const AdminCert = "admin-cert"

// writeKubeconfigs writes those that every cluster has.
func (c *Cluster) writeKubeconfigs() error {
	for _, user := range c.Users.Names() {
		credential, err := c.credential(user)
		if err != nil {
			return err
		}
		if err := c.WriteKubeconfig(c.Paths.Kubeconfig(user), c.URL(), credential); err != nil {
			return err
		}
	}
	pair, err := c.PKI.ClientPair(UserAdmin, []string{groupMasters}, yearLife)
	if err != nil {
		return err
	}
	return c.WriteKubeconfig(c.Paths.Kubeconfig(AdminCert), c.URL(), &clientcmdapi.AuthInfo{
		ClientCertificateData: pair.Cert,
		ClientKeyData:         pair.Key,
	})
}

// KubeconfigVia writes a kubeconfig of the user with another address in it, such as a proxy's.
func (c *Cluster) KubeconfigVia(user, server, path string) error {
	if user != AdminCert {
		credential, err := c.credential(user)
		if err != nil {
			return err
		}
		return c.WriteKubeconfig(path, server, credential)
	}
	config, err := clientcmd.LoadFromFile(c.Paths.Kubeconfig(AdminCert))
	if err != nil {
		return err
	}
	return c.WriteKubeconfig(path, server, config.AuthInfos[contextName])
}

// contextName names the only cluster, user and context of every kubeconfig.
const contextName = "testcluster"

// WriteKubeconfig writes a kubeconfig for one server and one credential.
func (c *Cluster) WriteKubeconfig(path, server string, credential *clientcmdapi.AuthInfo) error {
	config := clientcmdapi.NewConfig()
	config.Clusters[contextName] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: c.PKI.CAPEM}
	config.AuthInfos[contextName] = credential
	config.Contexts[contextName] = &clientcmdapi.Context{Cluster: contextName, AuthInfo: contextName}
	config.CurrentContext = contextName
	content, err := clientcmd.Write(*config)
	if err != nil {
		return fmt.Errorf("encode kubeconfig: %w", err)
	}
	return writeFiles(map[string][]byte{path: content})
}

// credential is a user's static token: from a file for the rotating user, inline for all others.
func (c *Cluster) credential(user string) (*clientcmdapi.AuthInfo, error) {
	token, ok := c.Users.Token(user)
	if !ok {
		return nil, fmt.Errorf("no user %q; there are %v and %s", user, c.Users.Names(), AdminCert)
	}
	if user == UserRotating {
		return &clientcmdapi.AuthInfo{TokenFile: c.Paths.Token(user)}, nil
	}
	return &clientcmdapi.AuthInfo{Token: token}, nil
}

// Kubeconfigs maps names to the paths of the kubeconfigs that exist from the start.
func (c *Cluster) Kubeconfigs() map[string]string {
	all := map[string]string{AdminCert: c.Paths.Kubeconfig(AdminCert)}
	for _, user := range c.Users.Names() {
		if path := c.Paths.Kubeconfig(user); fileExists(path) {
			all[user] = path
		}
	}
	return all
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
