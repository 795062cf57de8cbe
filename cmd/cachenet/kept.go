package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cachenet/cachenet/connectors/broker"
)

// Where a demo keeps its frames: the folder of an embedded broker beside the rows, and the topic there.
const (
	keptFolder = "broker"
	keptTopic  = "frames"
)

// frameSource is where a command finds recorded frames: on brokers, or in the folder of an embedded broker that is not
// running.
type frameSource struct {
	clusterFlags
	data string
}

func (s *frameSource) add(f *pflag.FlagSet, otherwise string) {
	s.clusterFlags.add(f)
	f.StringVar(&s.data, "data", "", "without --brokers: folder with the frames, as cachenet demo and cachenet broker --data write it"+otherwise)
}

// open makes the frames available at s.Cluster until they are closed. Without brokers and without --data they are in the
// folder that a demo with its rows in dir kept; empty: there is none.
func (s *frameSource) open(c *cobra.Command, dir string) (closing func() error, err error) {
	if len(s.Brokers) > 0 {
		if s.data != "" {
			return nil, usageError{fmt.Errorf("--data with --brokers: the frames are in one of them: leave the other out")}
		}
		return func() error { return nil }, s.check()
	}
	data := s.data
	if data == "" && dir != "" {
		data = filepath.Join(dir, keptFolder)
		if !broker.Wrote(data) {
			return nil, usageError{fmt.Errorf("--brokers is missing, and %s holds no frames of a demo: name the brokers%s", dir, seeHelp(c))}
		}
	}
	if data == "" {
		return nil, required(c, "brokers")
	}
	if !broker.Wrote(data) { // else the broker would put its files into a folder of something else
		return nil, fmt.Errorf("--data %s: is not the folder of a broker: name one that cachenet demo or cachenet broker --data wrote", data)
	}
	b, err := broker.Start(broker.Options{DataDir: data})
	if err != nil {
		return nil, err
	}
	s.Brokers = []string{b.Addr()}
	return b.Close, nil
}
