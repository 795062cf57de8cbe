package main

import (
	"log/slog"

	"github.com/spf13/pflag"

	"github.com/cachenet/cachenet/connectors/kafkaio"
)

// clusterFlags are the flags of every command that talks to a broker.
type clusterFlags struct{ kafkaio.Cluster }

func (c *clusterFlags) add(f *pflag.FlagSet) { c.addFor(f, "", "") }

// addFor adds them for a second cluster, with a prefix to their names and a word on whose they are.
func (c *clusterFlags) addFor(f *pflag.FlagSet, prefix, whose string) {
	s := &c.Security
	f.StringSliceVar(&c.Brokers, prefix+"brokers", nil, "brokers"+whose+" to connect to first, HOST:PORT,…")
	f.BoolVar(&s.TLS, prefix+"tls", false, "encrypt, and verify the brokers' certificates")
	f.StringVar(&s.CAFile, prefix+"tls-ca", "", "PEM file of the authorities to trust (default the system's)")
	f.StringVar(&s.CertFile, prefix+"tls-cert", "", "PEM file of the client's certificate")
	f.StringVar(&s.KeyFile, prefix+"tls-key", "", "PEM file of its key")
	f.BoolVar(&s.SkipVerify, prefix+"tls-skip-verify", false, "accept any certificate; for tests only")
	f.StringVar(&s.SASL, prefix+"sasl", "", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
	f.StringVar(&s.User, prefix+"user", "", "SASL user")
	f.StringVar(&s.PasswordEnv, prefix+"password-env", "", "environment variable with the SASL password")
	f.StringVar(&s.PasswordFile, prefix+"password-file", "", "file with the SASL password")
}

// check refuses what contradicts itself, and warns of what is not safe.
func (c *clusterFlags) check() (err error) {
	if c.Brokers, err = kafkaio.Addresses(c.Brokers); err != nil {
		return usageError{err}
	}
	if err := c.Security.Validate(); err != nil {
		return usageError{err}
	}
	if c.Security.SASL == "PLAIN" && !c.Security.TLS {
		slog.Warn("--sasl PLAIN without --tls: the password is sent as plain text; anyone on the network can read it")
	}
	if c.Security.SkipVerify {
		slog.Warn("--tls-skip-verify: the brokers' certificates are not verified; anyone on the network can read and alter frames")
	}
	return nil
}
