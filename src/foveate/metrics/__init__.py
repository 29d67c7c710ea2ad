"""PSNR and SSIM in numpy, by the protocol of the papers."""
