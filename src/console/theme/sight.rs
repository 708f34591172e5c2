//! How colours are seen: their contrast, and what is left of their difference for the colour blind.

/// Red, green and blue, 0 to 255 each.
pub type Rgb = (u8, u8, u8);

/// A kind of colour blindness, at its full strength.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sight {
    Full,
    /// No cones for long waves: red is dark.
    Protan,
    /// No cones for middle waves: red and green are one; the most frequent.
    Deutan,
    /// No cones for short waves.
    Tritan,
}

impl Sight {
    /// All of them.
    pub const ALL: [Sight; 4] = [Sight::Full, Sight::Protan, Sight::Deutan, Sight::Tritan];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full sight",
            Self::Protan => "protanopia",
            Self::Deutan => "deuteranopia",
            Self::Tritan => "tritanopia",
        }
    }

    /// What is seen of linear light (Machado, Oliveira and Fernandes, 2009, severity 1).
    fn seen(self, [r, g, b]: [f64; 3]) -> [f64; 3] {
        let m = match self {
            Self::Full => return [r, g, b],
            Self::Protan => {
                [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]]
            }
            Self::Deutan => {
                [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]]
            }
            Self::Tritan => {
                [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]]
            }
        };
        m.map(|row| (row[0] * r + row[1] * g + row[2] * b).clamp(0.0, 1.0))
    }
}

fn linear(v: u8) -> f64 {
    let v = f64::from(v) / 255.0;
    if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
}

/// Contrast of two colours as the WCAG defines it, 1 to 21.
pub fn contrast(a: Rgb, b: Rgb) -> f64 {
    let light = |c: Rgb| 0.2126 * linear(c.0) + 0.7152 * linear(c.1) + 0.0722 * linear(c.2);
    let (a, b) = (light(a), light(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// How different two colours look to somebody, in hundredths of OKLab: 2 is just noticeable, black and white are 100.
pub fn difference(a: Rgb, b: Rgb, sight: Sight) -> f64 {
    let (a, b) = (oklab(a, sight), oklab(b, sight));
    let square: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    square.sqrt() * 100.0
}

fn oklab((r, g, b): Rgb, sight: Sight) -> [f64; 3] {
    let [r, g, b] = sight.seen([linear(r), linear(g), linear(b)]);
    let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    [
        0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
        1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
        0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_and_white_are_as_different_as_can_be() {
        let (black, white) = ((0, 0, 0), (255, 255, 255));
        assert!((contrast(black, white) - 21.0).abs() < 0.01);
        for sight in Sight::ALL {
            assert!((difference(black, white, sight) - 100.0).abs() < 0.5, "{sight:?}");
        }
    }

    #[test]
    fn red_and_green_of_one_lightness_are_one_to_the_colour_blind() {
        let (red, green) = ((0xc8, 0x50, 0x50), (0x70, 0x88, 0x40));
        assert!(difference(red, green, Sight::Full) > 15.0);
        assert!(difference(red, green, Sight::Deutan) < difference(red, green, Sight::Full) / 2.0);
    }
}
