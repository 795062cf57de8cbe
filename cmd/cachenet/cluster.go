package main

import (
	"log/slog"

	"github.com/spf13/pflag"

	"github.com/cachenet/cachenet/connectors/kafkaio"
)

// clusterFlags are the flags of every command that talks to a broker.
type clusterFlags struct{ kafkaio.Cluster }

func (c *clusterFlags) add(f *pflag.FlagSet) {
	s := &c.Security
	f.StringSliceVar(&c.Brokers, "brokers", nil, "brokers to connect to first, HOST:PORT,…")
	f.BoolVar(&s.TLS, "tls", false, "encrypt, and verify the brokers' certificates")
	f.StringVar(&s.CAFile, "tls-ca", "", "PEM file of the authorities to trust (default the system's)")
	f.StringVar(&s.CertFile, "tls-cert", "", "PEM file of the client's certificate")
	f.StringVar(&s.KeyFile, "tls-key", "", "PEM file of its key")
	f.BoolVar(&s.SkipVerify, "tls-skip-verify", false, "accept any certificate; for tests only")
	f.StringVar(&s.SASL, "sasl", "", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
	f.StringVar(&s.User, "user", "", "SASL user")
	f.StringVar(&s.PasswordEnv, "password-env", "", "environment variable with the SASL password")
	f.StringVar(&s.PasswordFile, "password-file", "", "file with the SASL password")
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
