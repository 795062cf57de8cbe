package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/connectors/packs"
)

func packOfferCommand() *cobra.Command {
	listen := ""
	c := &cobra.Command{
		Use:   "offer DIR",
		Short: "Offer packs over HTTP to devices, until SIGINT or SIGTERM",
		Long: `Offers the pack in DIR, or every pack in a folder directly below it, read-only over HTTP. Devices name it as
run --pack http://HOST:PORT/v1/packs/NAME. A new version is offered once all of its files are there. There is no
authentication: listen on an address that only devices reach, or behind a proxy that has it.`,
		Example: "  cachenet pack offer models/packs --listen 127.0.0.1:8090",
		Args:    oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			o, err := packs.NewOffer(args[0])
			if err != nil {
				return err
			}
			at, closing, err := packs.Listen(listen, o)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "offering %s at http://%s/v1/packs/\n", strings.Join(o.Names(), ", "), at)
			<-c.Context().Done()
			return closing()
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8090", "address to listen on, HOST:PORT; port 0 for a free one")
	return c
}
