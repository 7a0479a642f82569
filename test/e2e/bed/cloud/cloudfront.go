package cloud

var (
	kindVPCOrigin    = Kind{"cloudfront", "VPCOrigin"}
	kindDistribution = Kind{"cloudfront", "Distribution"}
)
