// Command bench measures the pipeline side by side with what it competes with: plain Go loops, plain Python loops and
// Beam Python, over the same frames and the same ONNX files, in interleaved rounds. See docs/performance.md.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := &cobra.Command{Use: "bench", Short: "Measure the pipeline beside its peers", SilenceUsage: true, SilenceErrors: true}
	root.AddCommand(measureCommand(), scaleCommand(), liveCommand(), checkCommand(), renderCommand())
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
