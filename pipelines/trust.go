package pipelines

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/transforms"
)

// DefaultAuditRate is the share of the hits that the full model is asked about too, where a user names none.
const DefaultAuditRate = policy.DefaultAuditRate

// leastSecret is how many bytes a secret must have at least: a shorter one could be guessed.
const leastSecret = 16

// secretFile is kept with the data set, so that a restart and a replay into the same folder audit the same frames.
const secretFile = "audit-secret"

// Limits of repeated answers, where a user names none.
const (
	DefaultSimilarFrames = policy.DefaultSimilar
	DefaultSimilarFor    = policy.DefaultSimilarMs * time.Millisecond
)

// DefaultFullTimeout is how long the full model is waited for with provisional answers, where a user names no time.
const DefaultFullTimeout = 5 * time.Second

// provisional sets what is to become of misses while the full model is asked about them.
func (o Options) provisional(m *transforms.Model) error {
	if !o.Provisional {
		return nil
	}
	if m.Policy.Teacher == policy.Inline || m.Policy.Kind == policy.Full {
		return errors.New("--provisional: it needs --full transform, and a policy that asks a small net: elsewhere a miss waits for nothing")
	}
	m.Provisional, m.FullTimeout = true, cmp.Or(o.FullTimeout, DefaultFullTimeout)
	return nil
}

// similar sets what the policy is to do about frames that are nearly equal, where the pack's does not say it.
func (o Options) similar(s *policy.Settings) error {
	if !o.SkipSimilar {
		return nil
	}
	if s.Kind == policy.Full && s.Teacher != policy.Inline {
		return errors.New("--skip-similar: with --policy full the model's answers come back to the stream only with --full inline")
	}
	s.Similar, s.SimilarMs = cmp.Or(o.SimilarFrames, DefaultSimilarFrames), cmp.Or(o.SimilarFor, DefaultSimilarFor).Milliseconds()
	return nil
}

// trust sets what the policy is to do about audits.
func (o Options) trust(s *policy.Settings) error {
	if o.Policy == PolicySmall {
		s.MaxFalseHits = 0 // nothing else may answer
		return nil
	}
	s.AuditRate = float32(o.AuditRate)
	if o.MaxFalseHits > 0 {
		s.MaxFalseHits = float32(o.MaxFalseHits)
	}
	switch {
	case s.MaxFalseHits > 0 && s.AuditRate == 0:
		return fmt.Errorf("--max-false-hits %v: needs audited hits: set --audit-rate above 0", s.MaxFalseHits)
	case o.MaxFalseHits > 0 && s.Teacher != policy.Inline:
		return fmt.Errorf("--max-false-hits %v: the full model's answers do not return to the stream: it needs --full inline", s.MaxFalseHits)
	case s.Teacher != policy.Inline:
		s.MaxFalseHits = 0
	}
	return nil
}

// secret returns the key of the audits' coin: that of the user's file, or one that is kept with the data set.
func (o Options) secret() (transforms.Secret, error) {
	if o.AuditRate == 0 || o.Policy == PolicySmall {
		return "", nil
	}
	if o.AuditSecretFile != "" {
		b, err := os.ReadFile(o.AuditSecretFile)
		if err != nil {
			return "", fmt.Errorf("read the audit secret: %w", err)
		}
		if b = bytes.TrimSpace(b); len(b) < leastSecret {
			return "", fmt.Errorf("--audit-secret-file %s: %d bytes are too few: it needs %d or more random bytes", o.AuditSecretFile, len(b), leastSecret)
		}
		return transforms.Secret(hex.EncodeToString(b)), nil
	}
	if o.SecretOf != "" {
		b, err := parquetio.ReadPrivate(o.SecretOf, secretFile)
		if err != nil {
			return "", err
		}
		if _, err := hex.DecodeString(string(b)); err == nil && len(b) >= 2*leastSecret {
			return transforms.Secret(b), nil
		}
	}
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // never fails
	b, err := parquetio.KeepPrivate(o.Out, secretFile, []byte(hex.EncodeToString(fresh)))
	if err != nil {
		return "", err
	}
	if _, err := hex.DecodeString(string(b)); err != nil || len(b) < 2*leastSecret {
		return "", errors.New("the data set's audit secret is damaged: remove " + parquetio.PrivatePath(o.Out, secretFile))
	}
	return transforms.Secret(b), nil
}
