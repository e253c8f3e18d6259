package kafka

import "fmt"

// TLSConfig says how connections to the brokers are encrypted, and who they are made by. There is no way to leave the
// brokers' certificates unchecked: a private CA is named in CAFile, a name that differs in ServerName.
type TLSConfig struct {
	Enabled    bool   `yaml:"enabled"     env:"ENABLED"`
	CAFile     string `yaml:"ca_file"     env:"CA_FILE"`     // PEM: whose certificates brokers may have; "" = those the system trusts (ssl.truststore.location)
	CertFile   string `yaml:"cert_file"   env:"CERT_FILE"`   // PEM: our certificate and what is between it and the CA; "" = none (ssl.keystore.location)
	KeyFile    string `yaml:"key_file"    env:"KEY_FILE"`    // PEM: its private key, not encrypted
	ServerName string `yaml:"server_name" env:"SERVER_NAME"` // the name in the brokers' certificates; "" = the one each is reached by
}

// validate reports everything that is wrong. It does not look at the files: see NewCluster.
func (c TLSConfig) validate() []error {
	var errs []error
	if !c.Enabled {
		for _, k := range []struct{ key, value string }{
			{"ca_file", c.CAFile}, {"cert_file", c.CertFile}, {"key_file", c.KeyFile}, {"server_name", c.ServerName},
		} {
			if k.value != "" {
				errs = append(errs, fmt.Errorf("kafka.tls.%s is given, but kafka.tls.enabled is false", k.key))
			}
		}
		return errs
	}
	switch {
	case c.CertFile != "" && c.KeyFile == "":
		errs = append(errs, halfPair("kafka.tls.cert_file", "kafka.tls.key_file"))
	case c.CertFile == "" && c.KeyFile != "":
		errs = append(errs, halfPair("kafka.tls.key_file", "kafka.tls.cert_file"))
	}
	return errs
}

func halfPair(given, missing string) error {
	return fmt.Errorf("%s is given without %s: a certificate and its key go together", given, missing)
}
