package onnximport

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
)

// fullFile is the model's name in its pack.
const fullFile = "full.onnx"

// Manifest describes the pack of the model alone: it answers every frame.
func (m *Model) Manifest(name, version string) models.Manifest {
	sum := sha256.Sum256(m.File)
	in, out := m.Input, m.Output
	return models.Manifest{
		Format: 2, Name: name, Version: version, Classes: m.Classes,
		Input:       models.InputSize{Width: in.Width, Height: in.Height},
		Full:        models.NetEntry{File: fullFile, SHA256: hex.EncodeToString(sum[:]), Temperature: 1, Input: &in, Output: &out},
		Specialists: []models.NetEntry{},
		Policy:      policy.Settings{Kind: policy.Full, Score: policy.Confidence, Threshold: 1, Teacher: policy.Selector, Alpha: 1, Capacity: 1},
	}
}

// Write makes dir a pack of the model alone. A pack that is there already is not replaced.
func (m *Model) Write(dir, name, version string) error {
	manifest := m.Manifest(name, version)
	if err := manifest.Validate(); err != nil {
		return err
	}
	path := filepath.Join(dir, models.ManifestFile)
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("%s already contains a pack: remove it or choose another folder", dir)
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, fullFile), m.File, 0o644); err != nil {
		return err
	}
	b, err := json.MarshalIndent(manifest, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644) // last: it is what makes the folder a pack
}
